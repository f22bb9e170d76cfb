import { nameVerifyError } from "./name-failure.ts";
import type { PeerCertificate } from "./wire.ts";

/** The part of node:tls's certificate that is read; an empty object stands for none. */
export interface EngineCertificate {
  readonly subject?: object | undefined;
  readonly subjectaltname?: string | undefined;
  readonly serialNumber?: string | undefined;
  /** `Jan  1 00:00:00 2027 GMT` */
  readonly valid_to?: string | undefined;
  /** DER. */
  readonly raw?: Uint8Array | undefined;
  /** A root has itself here. */
  readonly issuerCertificate?: EngineCertificate | undefined;
}

/** No engine verifies a longer chain by default. */
const MAX_CHAIN = 100;

function bytesOf(leaf: EngineCertificate): number {
  let bytes = 0;
  let certificate: EngineCertificate | undefined = leaf;
  for (let depth = 0; certificate !== undefined && depth < MAX_CHAIN; depth += 1) {
    bytes += certificate.raw?.length ?? 0;
    const issuer: EngineCertificate | undefined = certificate.issuerCertificate;
    certificate = issuer === certificate ? undefined : issuer;
  }
  return bytes;
}

/**
 * Returns the DER of the root that the chain of `leaf` ends in, or undefined if it ends before one. Engines give null for
 * a socket that is closed.
 */
export function rootOf(leaf: EngineCertificate | null | undefined): Uint8Array | undefined {
  let certificate = leaf ?? undefined;
  for (let depth = 0; certificate !== undefined && depth < MAX_CHAIN; depth += 1) {
    const issuer = certificate.issuerCertificate;
    if (issuer === certificate) return certificate.raw;
    certificate = issuer;
  }
  return undefined;
}

/** A subject is for logs; one may hold kilobytes of text. */
const MAX_SUBJECT_LENGTH = 1_024;

/** `verifyError` is the engine's verdict: on a resumed session that of the handshake which made it, maybe days ago. */
export function peerCertificateOf(
  certificate: EngineCertificate,
  verifyError: string | undefined,
): PeerCertificate | undefined {
  const { subject, subjectaltname, serialNumber, valid_to } = certificate;
  // A certificate may have no subject, and no names at all (RFC 5280 section 4.1.2.6), but it always ends.
  if (subject === undefined && valid_to === undefined) return undefined;
  const attributes = Object.entries((subject ?? {}) as Readonly<Record<string, string | string[]>>);
  const commonNames = attributes.find(([key]) => key === "CN")?.[1];
  const hasExpired = Date.parse(valid_to ?? "") < Date.now();
  const error = verifyError ?? (hasExpired ? "CERT_HAS_EXPIRED" : undefined);
  const text =
    attributes.map(([key, value]) => `${key}=${[value].flat().join("+")}`).join(", ") ||
    subjectaltname ||
    `serial ${serialNumber}`;
  return {
    commonName: [commonNames].flat()[0],
    subject: text.slice(0, MAX_SUBJECT_LENGTH),
    chainBytes: bytesOf(certificate),
    verifyFailure: error === undefined ? undefined : nameVerifyError(error),
  };
}
