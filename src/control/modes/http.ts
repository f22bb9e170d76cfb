import type { Hsts } from "#model/document/http-options.ts";
import type { HttpListener } from "#model/document/modes/http.ts";
import type { SnapshotHttp, SnapshotHttpListener } from "#model/records/modes/http.ts";
import { ageSecondsOf, durationMsOf } from "#model/units.ts";
import type { ControlMode } from "../control-mode.ts";
import { compileTerminating, terminating } from "../terminating-listener.ts";

/** The names of ALPN (RFC 7301) for each protocol that a listener can offer. */
const ALPN_OF = { h2: ["h2"], "http/1.1": ["http/1.1", "http/1.0"] } as const;
const KEEP = "keep";

export const http: ControlMode<HttpListener, SnapshotHttpListener> = {
  ...terminating,
  compile: (listener, owner, base) => ({
    ...compileTerminating(
      listener,
      owner,
      base,
      listener.protocols.flatMap((protocol) => ALPN_OF[protocol]),
    ),
    mode: "http",
    http: compileHttp(listener),
  }),
};

function compileHttp(listener: HttpListener): SnapshotHttp {
  const { timeouts, host, hsts, clientFacts, responseFields, pool } = listener;
  return {
    headMs: durationMsOf(timeouts.head),
    keepAliveMs: durationMsOf(timeouts.keepAlive),
    answerMs: durationMsOf(timeouts.answer),
    upgradedMs: durationMsOf(timeouts.upgraded),
    trustedProxies: listener.trustedProxies,
    forwarded: listener.forwarded,
    ...(host === KEEP ? {} : { host }),
    requestId: listener.requestId,
    traceparent: listener.traceparent,
    clientFacts: {
      tls: clientFacts.includes("tls"),
      ja4: clientFacts.includes("ja4"),
      certificate: clientFacts.includes("certificate"),
    },
    ...(hsts === undefined ? {} : { hsts: hstsValueOf(hsts) }),
    responseFields: {
      set: Object.entries(responseFields.set),
      remove: responseFields.remove.map((name) => name.toLowerCase()),
    },
    pool: {
      reuse: pool.reuse,
      idleMs: durationMsOf(pool.idle),
      maxIdle: pool.maxIdle,
    },
    countServerErrors: listener.countServerErrors,
    accessLogFormat: listener.accessLogFormat,
    accessLogQuery: listener.accessLogQuery,
  };
}

/** Returns the value of Strict-Transport-Security (RFC 6797 section 6.1). */
function hstsValueOf({ maxAge, includeSubDomains, preload }: Hsts): string {
  const directives = [
    `max-age=${ageSecondsOf(maxAge)}`,
    ...(includeSubDomains ? ["includeSubDomains"] : []),
    ...(preload ? ["preload"] : []),
  ];
  return directives.join("; ");
}
