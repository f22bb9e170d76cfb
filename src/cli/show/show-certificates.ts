import type { CertificateStatus } from "#model/records/status.ts";
import { spanText, timeText } from "#cli/spans.ts";
import { remarksOf, tableOf, type Remark } from "#cli/table.ts";
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
    const problems = (isRefused: boolean): readonly Remark[] =>
      certificates
        .filter(({ state }) => (state === "refused") === isRefused)
        .map(({ name, problem }) => [name, problem]);
    const warnings = certificates.flatMap((certificate) =>
      (certificate.warnings ?? []).map((warning): Remark => [certificate.name, warning]),
    );
    return [
      table,
      remarksOf("Refused files (the previous version is still served)", problems(true), width),
      remarksOf("Certificates that cannot be used, or that clients refuse", problems(false), width),
      remarksOf("Warnings", warnings, width),
    ].join("");
  },
};
