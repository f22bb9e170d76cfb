import type { PeerCertificate } from "./wire.ts";

/** The part of node:tls's certificate that is read; an empty object stands for none. */
export interface EngineCertificate {
  readonly subject?: object | undefined;
  readonly subjectaltname?: string | undefined;
  readonly serialNumber?: string | undefined;
  /** `Jan  1 00:00:00 2027 GMT` */
  readonly valid_to?: string | undefined;
}

/** A subject is for logs; one may hold kilobytes of text. */
const MAX_SUBJECT_LENGTH = 1_024;

/** `verifyError` is the engine's verdict: on a resumed session that of the handshake which made it, maybe days ago. */
export function peerCertificateOf(
  { subject, subjectaltname, serialNumber, valid_to }: EngineCertificate,
  verifyError: string | undefined,
): PeerCertificate | undefined {
  // A certificate may have no subject, and no names at all (RFC 5280 section 4.1.2.6), but it always ends.
  if (subject === undefined && valid_to === undefined) return undefined;
  const attributes = Object.entries((subject ?? {}) as Readonly<Record<string, string | string[]>>);
  const commonNames = attributes.find(([key]) => key === "CN")?.[1];
  const hasExpired = Date.parse(valid_to ?? "") < Date.now();
  const text =
    attributes.map(([key, value]) => `${key}=${[value].flat().join("+")}`).join(", ") ||
    subjectaltname ||
    `serial ${serialNumber}`;
  return {
    commonName: [commonNames].flat()[0],
    subject: text.slice(0, MAX_SUBJECT_LENGTH),
    verifyError: verifyError ?? (hasExpired ? "CERT_HAS_EXPIRED" : undefined),
  };
}
