import { nameVerifyError } from "./name-failure.ts";
import type { PeerCertificate } from "./wire.ts";

/**
 * The fields of a certificate of node:tls that are used. An engine returns an empty object if there is no certificate.
 */
export interface EngineCertificate {
  readonly subject?: object | undefined;
  readonly subjectaltname?: string | undefined;
  readonly serialNumber?: string | undefined;
  /** E.g. `Jan  1 00:00:00 2027 GMT`. */
  readonly valid_to?: string | undefined;
  /** The certificate in DER. */
  readonly raw?: Uint8Array | undefined;
  /** For a root, the certificate itself. */
  readonly issuerCertificate?: EngineCertificate | undefined;
}

/** By default, no engine verifies a longer chain. */
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
 * Returns the DER of the root that the chain of `leaf` ends in, or undefined if the chain does not end in a root. For a
 * closed socket, engines return null as the leaf.
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

/** A subject is used only in logs, and can contain kilobytes of text. */
const MAX_SUBJECT_LENGTH = 1_024;

/**
 * Returns the facts about the peer's certificate, or undefined if there is none. `verifyError` is the engine's result
 * of the verification. On a resumed session, it is the result of the original handshake, which can be days old, so the
 * expiry is checked again.
 */
export function peerCertificateOf(
  certificate: EngineCertificate,
  verifyError: string | undefined,
): PeerCertificate | undefined {
  const { subject, subjectaltname, serialNumber, valid_to } = certificate;
  // A certificate can have no subject and no names at all (RFC 5280 section 4.1.2.6), but it always has an end of
  // validity.
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
