import type { KeyObject, X509Certificate } from "node:crypto";
import type { CertificateFacts, KeyType } from "#model/certificate.ts";

const KEY_TYPES: Readonly<Record<string, KeyType>> = {
  ec: "ecdsa",
  rsa: "rsa",
  "rsa-pss": "rsa",
  ed25519: "ed25519",
};

export const tryKeyType = (key: KeyObject): KeyType | undefined =>
  KEY_TYPES[key.asymmetricKeyType ?? ""];

/** DNS name of one or more labels, of which the left-most may be `*` (RFC 9525 section 6.3). */
const PRESENTED_NAME = /^(\*\.)?([a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?\.?)+$/;

export function certificateFactsOf(leaf: X509Certificate, keyType: KeyType): CertificateFacts {
  return {
    names: namesOf(leaf),
    keyType,
    subject: oneLineOf(leaf.subject),
    issuer: oneLineOf(leaf.issuer),
    serialNumber: leaf.serialNumber,
    fingerprint: leaf.fingerprint256.replaceAll(":", "").toLowerCase(),
    notBeforeMs: leaf.validFromDate.getTime(),
    notAfterMs: leaf.validToDate.getTime(),
  };
}

// Node puts a value in quotes when it holds a comma or could be taken for another entry.
const ALTERNATIVE_NAME = /([^:,]+):("(?:[^"\\]|\\.)*"|[^,]*)(?:, |$)/gy;

function namesOf(leaf: X509Certificate): readonly string[] {
  const dnsNames = [...(leaf.subjectAltName ?? "").matchAll(ALTERNATIVE_NAME)]
    .filter(([, type]) => type === "DNS")
    .map(([, , name = ""]) => name.toLowerCase())
    .filter((name) => PRESENTED_NAME.test(name));
  if (dnsNames.length > 0) return [...new Set(dnsNames)];
  const commonName = leaf.subject.split("\n").findLast((line) => line.startsWith("CN="));
  const name = commonName?.slice("CN=".length).toLowerCase() ?? "";
  return PRESENTED_NAME.test(name) ? [name] : [];
}

const oneLineOf = (distinguishedName: string): string => distinguishedName.split("\n").join(", ");
