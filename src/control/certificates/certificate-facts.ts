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

/** The facts but for the period of validity. */
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

/** More does not help anyone to know a certificate by, and one may hold megabytes of text. */
const MAX_TEXT_LENGTH = 1_024;

const shortened = (text: string): string =>
  text.length > MAX_TEXT_LENGTH ? `${text.slice(0, MAX_TEXT_LENGTH)}…` : text;

/** Node leaves an empty name undefined, which its types do not say (RFC 5280 section 4.1.2.6). */
export const oneLineOf = (distinguishedName: string | undefined): string =>
  shortened((distinguishedName ?? "").replaceAll("\n", ", "));
