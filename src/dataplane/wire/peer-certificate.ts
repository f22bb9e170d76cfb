import type { PeerCertificate } from "./wire.ts";

/** The part of node:tls's certificate that is read; an empty object stands for none. */
export interface EngineCertificate {
  readonly subject?: object | undefined;
  readonly subjectaltname?: string | undefined;
  /** `Jan  1 00:00:00 2027 GMT` */
  readonly valid_to?: string | undefined;
}

/** `verifyError` is the engine's verdict: on a resumed session that of the handshake which made it, maybe days ago. */
export function peerCertificateOf(
  { subject, subjectaltname = "", valid_to = "" }: EngineCertificate,
  verifyError: string | undefined,
): PeerCertificate | undefined {
  if (subject === undefined) return undefined;
  const attributes = Object.entries(subject as Readonly<Record<string, string | string[]>>);
  const commonNames = attributes.find(([key]) => key === "CN")?.[1];
  const hasExpired = Date.parse(valid_to) < Date.now();
  return {
    commonName: [commonNames].flat()[0],
    subject:
      attributes.map(([key, value]) => `${key}=${[value].flat().join("+")}`).join(", ") ||
      subjectaltname,
    verifyError: verifyError ?? (hasExpired ? "CERT_HAS_EXPIRED" : undefined),
  };
}
