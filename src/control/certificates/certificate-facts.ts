import type { KeyObject, X509Certificate } from "node:crypto";
import type { CertificateFacts, KeyType } from "#model/document/certificate.ts";
import { certificateFieldsOf } from "./certificate-fields.ts";
import { presentedNamesOf } from "./presented-names.ts";

const KEY_TYPES: Readonly<Record<string, KeyType>> = {
  ec: "ecdsa",
  rsa: "rsa",
  "rsa-pss": "rsa",
  ed25519: "ed25519",
};

export const tryKeyType = (key: KeyObject): KeyType | undefined =>
  KEY_TYPES[key.asymmetricKeyType ?? ""];

/** Returns the facts of a certificate except its validity period. */
export function certificateFactsOf(
  leaf: X509Certificate,
  keyType: KeyType,
): Omit<CertificateFacts, "notBeforeMs" | "notAfterMs"> {
  return {
    names: presentedNamesOf(certificateFieldsOf(leaf.raw)),
    keyType,
    subject: oneLineOf(leaf.subject),
    issuer: oneLineOf(leaf.issuer),
    serialNumber: shortened(leaf.serialNumber),
    fingerprint: leaf.fingerprint256.replaceAll(":", "").toLowerCase(),
  };
}

/** A longer text does not help to identify a certificate, and a certificate may contain megabytes of text. */
const MAX_TEXT_LENGTH = 1_024;

const shortened = (text: string): string =>
  text.length > MAX_TEXT_LENGTH ? `${text.slice(0, MAX_TEXT_LENGTH)}…` : text;

/** An empty name is allowed (RFC 5280 section 4.1.2.6). Node then returns undefined, which its types do not declare. */
export const oneLineOf = (distinguishedName: string | undefined): string =>
  shortened((distinguishedName ?? "").replaceAll("\n", ", "));
