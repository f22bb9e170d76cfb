import type { CertificateFacts } from "#model/document/certificate.ts";
import { compareNames } from "#model/document/natural-order.ts";
import { ATTENTION_CODES, type Attention } from "#model/records/attention.ts";
import type { CertificateStatus } from "#model/records/status.ts";
import { spanText, timeText } from "#cli/spans.ts";
import { remarksOf, tableOf, type Remark } from "#cli/table.ts";
import { onlyLike, type ShowView } from "./show-kind.ts";

/** NAME is a certificate, or a pattern in which `*` stands for any characters. What needs attention most comes first. */
export const showCertificates: ShowView<readonly CertificateStatus[]> = {
  path: () => "/v1/certificates",
  named: (certificates, wanted) => onlyLike(certificates, wanted, ({ name }) => name),
  text(certificates, nowMs, width) {
    if (certificates.length === 0) return "The document has no certificate.\n";
    const sorted = certificates.toSorted(compareUrgency);
    const table = tableOf<CertificateStatus>(
      [
        { title: "CERTIFICATE", cell: ({ name }) => name },
        { title: "FILES", cell: ({ state }) => state },
        {
          title: "ATTENTION",
          cell: ({ attention }) =>
            [...new Set(attention.map(({ code }) => code))].join(", ") || "-",
        },
        {
          title: "KEY",
          cell: ({ facts }) => (facts === undefined ? "-" : keyText(facts)),
        },
        {
          title: "EXPIRES",
          cell: ({ facts }) => (facts === undefined ? "-" : expiryText(facts, nowMs)),
        },
        { title: "USES", cell: ({ uses }) => uses, isNumber: true },
        { title: "SHA-256", cell: ({ facts }) => facts?.fingerprint.slice(0, 16) ?? "-" },
        { title: "NAMES", cell: ({ facts }) => facts?.names.join(", ") ?? "-" },
      ],
      sorted,
      width,
    );
    const remarks = sorted.flatMap(({ name, attention }) =>
      attention.map((one): Remark => [`${name}, ${one.code}`, attentionText(one)]),
    );
    return table + remarksOf("Needs attention", remarks, width);
  },
};

/** The type of the key, and its curve or its length. */
export const keyText = ({ keyType, keySize, curve }: CertificateFacts): string =>
  keyType === "ed25519" ? keyType : `${keyType} ${curve ?? keySize}`;

export function expiryText({ notAfterMs }: CertificateFacts, nowMs: number): string {
  const span = spanText(notAfterMs - nowMs);
  return `${timeText(notAfterMs)} (${notAfterMs < nowMs ? `expired ${span} ago` : `in ${span}`})`;
}

export const attentionText = ({ message, hint }: Attention): string => `${message} ${hint}`;

const rankOf = ({ attention: [first] }: CertificateStatus): number =>
  first === undefined ? ATTENTION_CODES.length : ATTENTION_CODES.indexOf(first.code);

/** Sorts by urgency, then by the time at which the certificates expire, then by name. */
const compareUrgency = (one: CertificateStatus, other: CertificateStatus): number =>
  rankOf(one) - rankOf(other) ||
  (one.facts?.notAfterMs ?? 0) - (other.facts?.notAfterMs ?? 0) ||
  compareNames(one.name, other.name);
