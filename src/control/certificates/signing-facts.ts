import type { KeyObject, X509Certificate } from "node:crypto";
import type { KeyType, SigningFacts } from "#model/document/certificate.ts";
import { keySchemesOf, tryPssScheme, trySchemeOfOid } from "#model/tls/signature-schemes.ts";

export const PSS_OID = "1.2.840.113549.1.1.10";
const PSS_OID_DER = Buffer.from("06092a864886f70d01010a", "hex");
/** The OIDs of SHA-2 without their last byte (RFC 4055 section 2.1). */
const SHA2_OID_DER = Buffer.from("06096086480165030402", "hex");
const SHA2_BY_LAST_BYTE: Readonly<Record<number, string>> = {
  1: "sha256",
  2: "sha384",
  3: "sha512",
};
/** The parameters of RSASSA-PSS are shorter than this, and the signature that follows them is longer. */
const MAX_PARAMETER_BYTES = 80;
/** A signature scheme that no client offers. */
const UNKNOWN_SCHEME = 0;

/** Returns the signature schemes that a client must be able to verify. `chain` starts with the leaf. */
export function signingFactsOf(
  key: KeyObject,
  keyType: KeyType,
  chain: readonly X509Certificate[],
): SigningFacts {
  const { namedCurve, hashAlgorithm } = key.asymmetricKeyDetails ?? {};
  const isPss = key.asymmetricKeyType === "rsa-pss";
  const schemes = chain
    // Clients do not verify the signature of a self-signed certificate (RFC 8446 section 4.4.2.2).
    .filter((entry) => entry.subject !== entry.issuer)
    .map(signatureSchemeOf);
  return {
    keySchemes: keySchemesOf({ keyType, namedCurve, isPss, pssHash: hashAlgorithm }),
    chainSchemes: [...new Set(schemes)],
  };
}

function signatureSchemeOf(certificate: X509Certificate): number {
  const { signatureAlgorithmOid } = certificate;
  const scheme =
    signatureAlgorithmOid === PSS_OID
      ? tryPssScheme(pssHashOf(certificate.raw))
      : trySchemeOfOid(signatureAlgorithmOid);
  return scheme ?? UNKNOWN_SCHEME;
}

/** A certificate names its signature algorithm twice, the second time immediately before the signature (RFC 5280 section 4.1). */
function pssHashOf(der: Buffer): string {
  const at = der.lastIndexOf(PSS_OID_DER);
  const parameters = der.subarray(at, at + MAX_PARAMETER_BYTES);
  const hashAt = parameters.indexOf(SHA2_OID_DER);
  const lastByte = hashAt === -1 ? undefined : parameters[hashAt + SHA2_OID_DER.length];
  return lastByte === undefined ? "sha1" : (SHA2_BY_LAST_BYTE[lastByte] ?? "unknown");
}
