import { escapeControls } from "#model/escape-controls.ts";
import type { CertificateStatus } from "#model/records/status.ts";
import { spanText, timeText } from "#cli/spans.ts";
import { tableOf } from "#cli/table.ts";
import { onlyLike, type ShowView } from "./show-kind.ts";

/** NAME is a certificate, or a pattern in which `*` stands for any characters. */
export const showCertificates: ShowView<readonly CertificateStatus[]> = {
  path: () => "/v1/certificates",
  named: (certificates, wanted) => onlyLike(certificates, wanted, ({ name }) => name),
  text(certificates, nowMs, width) {
    if (certificates.length === 0) return "The document has no certificate.\n";
    const table = tableOf<CertificateStatus>(
      [
        { title: "CERTIFICATE", cell: ({ name }) => name },
        { title: "FILES", cell: ({ state }) => state },
        { title: "KEY", cell: ({ facts }) => facts?.keyType ?? "-" },
        {
          title: "EXPIRES",
          cell: ({ facts }) => {
            if (facts === undefined) return "-";
            const { notAfterMs } = facts;
            const span = spanText(notAfterMs - nowMs);
            const isPast = notAfterMs < nowMs;
            return `${timeText(notAfterMs)} (${isPast ? `expired ${span} ago` : `in ${span}`})`;
          },
        },
        { title: "SHA-256", cell: ({ facts }) => facts?.fingerprint.slice(0, 16) ?? "-" },
        { title: "NAMES", cell: ({ facts }) => facts?.names.join(", ") ?? "-" },
      ],
      certificates,
      width,
    );
    const problems = (isRefused: boolean): readonly Line[] =>
      certificates.flatMap(({ name, state, problem }) =>
        problem === undefined || (state === "refused") !== isRefused ? [] : [[name, problem]],
      );
    const warnings = certificates.flatMap((certificate) =>
      (certificate.warnings ?? []).map((warning): Line => [certificate.name, warning]),
    );
    return [
      table,
      section("Refused files (the previous version is still served)", problems(true)),
      section("Certificates that cannot be used, or that clients refuse", problems(false)),
      section("Warnings", warnings),
    ].join("");
  },
};

type Line = readonly [name: string, text: string];

function section(title: string, lines: readonly Line[]): string {
  if (lines.length === 0) return "";
  const texts = lines.map(([name, text]) => `  ${name}: ${escapeControls(text)}\n`);
  return `\n${title}:\n${texts.join("")}`;
}
