import { FAILURES } from "#model/failure-catalog.ts";
import {
  CHECK_FAILURES,
  CERTIFICATE_FAILURES,
  CONNECTION_OUTCOMES,
  ENDPOINT_FAILURES,
  HANDSHAKE_FAILURES,
  OVER_LIMITS,
} from "#model/records/outcome.ts";
import { HTTP_OUTCOMES, HTTP_RULES } from "#model/records/http-outcome.ts";
import { codeOf, markdownTable, pageOf, sectionOf } from "./markdown.ts";

const ONLY_CHECK_FAILURES = Object.fromEntries(
  Object.entries(CHECK_FAILURES).filter(([cause]) => !Object.hasOwn(ENDPOINT_FAILURES, cause)),
);

const INTRO = [
  "Every failure has a code. It never changes its meaning and is never reused. The codes of the data plane are also",
  "metric labels, log fields, and what `tlsd show handshakes` prints.",
].join("\n");

export function failuresPage(): string {
  return pageOf("Failures", INTRO, [
    sectionOf(
      "Failures of commands and the API",
      "`{ code, message, hint, path?, problems? }`, with exit code 1 or the HTTP status.",
      markdownTable(
        ["code", "whose", "status", "what", "what to do"],
        Object.entries(FAILURES).map(([code, { source, status, text, hint }]) => [
          codeOf(code),
          source,
          String(status),
          text,
          hint,
        ]),
      ),
    ),
    sectionOf(
      "Failures of handshakes with clients",
      "`cause` of `tlsd_handshakes_failed_total` and of `tlsd_connections_refused_total`, `failure` in the log.",
      meanings("cause", HANDSHAKE_FAILURES),
    ),
    sectionOf(
      "Failures that name the certificate",
      "`cause` of `tlsd_certificate_failures_total`, and `failures` of `tlsd show certificate`.",
      meanings("cause", CERTIFICATE_FAILURES),
    ),
    sectionOf(
      "Limits",
      "`limit` of `tlsd_connections_limited_total`, and of a handshake that failed with `over-limit`.",
      OVER_LIMITS.map((limit) => `- ${codeOf(limit)}`).join("\n"),
    ),
    sectionOf(
      "Failures of endpoints",
      "`cause` of `tlsd_endpoint_connects_failed_total`, `endpointFailure` of an access line.",
      meanings("cause", ENDPOINT_FAILURES),
    ),
    sectionOf(
      "Failures of health checks",
      "`cause` of the last error of a server, besides the failures of endpoints.",
      meanings("cause", ONLY_CHECK_FAILURES),
    ),
    sectionOf(
      "How connections end",
      "`outcome` of `tlsd_connections_ended_total` and of an access line, once the handshake is done.",
      meanings("outcome", CONNECTION_OUTCOMES),
    ),
    sectionOf(
      "How exchanges end",
      "`outcome` of `tlsd_http_exchanges_ended_total` and of the line of a request, with mode `http`.",
      meanings("outcome", HTTP_OUTCOMES),
    ),
    sectionOf(
      "Rules of HTTP",
      "`rule` of `tlsd_http_refused_total` and `tlsd_http_bad_answers_total`, and of the line of a request. A request that violates one is refused, with 400 unless the table says otherwise, and the connection is closed. If the answer of an endpoint violates one, the client gets 502.",
      meanings("rule", HTTP_RULES),
    ),
  ]);
}

const meanings = (title: string, entries: Readonly<Record<string, string>>): string =>
  markdownTable(
    [title, "meaning"],
    Object.entries(entries).map(([code, text]) => [codeOf(code), text]),
  );
