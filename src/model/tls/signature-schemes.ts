/** SignatureScheme code points (RFC 8446 section 4.2.3), as in snapshots and ClientHellos. */
import type { KeyType } from "../document/certificate.ts";
import { GROUPS, type GroupName } from "./cipher-suites.ts";

export const SCHEMES = {
  rsa_pkcs1_sha1: 0x0201,
  ecdsa_sha1: 0x0203,
  rsa_pkcs1_sha224: 0x0301,
  ecdsa_sha224: 0x0303,
  rsa_pkcs1_sha256: 0x0401,
  ecdsa_secp256r1_sha256: 0x0403,
  rsa_pkcs1_sha384: 0x0501,
  ecdsa_secp384r1_sha384: 0x0503,
  rsa_pkcs1_sha512: 0x0601,
  ecdsa_secp521r1_sha512: 0x0603,
  rsa_pss_rsae_sha256: 0x0804,
  rsa_pss_rsae_sha384: 0x0805,
  rsa_pss_rsae_sha512: 0x0806,
  ed25519: 0x0807,
  ed448: 0x0808,
  rsa_pss_pss_sha256: 0x0809,
  rsa_pss_pss_sha384: 0x080a,
  rsa_pss_pss_sha512: 0x080b,
} as const satisfies Readonly<Record<string, number>>;

/** The scheme that TLS 1.3 binds to each curve. The schemes of a key therefore identify its curve. */
const CURVES: readonly {
  readonly scheme: number;
  readonly group: GroupName;
  readonly openssl: string;
}[] = [
  { scheme: SCHEMES.ecdsa_secp256r1_sha256, group: "P-256", openssl: "prime256v1" },
  { scheme: SCHEMES.ecdsa_secp384r1_sha384, group: "P-384", openssl: "secp384r1" },
  { scheme: SCHEMES.ecdsa_secp521r1_sha512, group: "P-521", openssl: "secp521r1" },
];

/** Returns the code of the group of a key with these schemes, or undefined if it is not an ECDSA key. */
export function groupCodeOf(keySchemes: readonly number[]): number | undefined {
  const group = CURVES.find(({ scheme }) => keySchemes.includes(scheme))?.group;
  return group === undefined ? undefined : GROUPS[group];
}

/** The properties of a private key, in the terms of OpenSSL. */
export interface KeyDetails {
  readonly keyType: KeyType;
  readonly namedCurve?: string | undefined;
  /** Whether the key is of type id-RSASSA-PSS and not rsaEncryption (RFC 4055). */
  readonly isPss: boolean;
  /** The only hash that an id-RSASSA-PSS key may be used with, if it is restricted to one. */
  readonly pssHash?: string | undefined;
}

const PSS_SCHEMES: readonly {
  readonly hash: string;
  readonly rsae: number;
  readonly pss: number;
}[] = [
  { hash: "sha256", rsae: SCHEMES.rsa_pss_rsae_sha256, pss: SCHEMES.rsa_pss_pss_sha256 },
  { hash: "sha384", rsae: SCHEMES.rsa_pss_rsae_sha384, pss: SCHEMES.rsa_pss_pss_sha384 },
  { hash: "sha512", rsae: SCHEMES.rsa_pss_rsae_sha512, pss: SCHEMES.rsa_pss_pss_sha512 },
];

/** Returns the schemes with which a key can sign a TLS 1.3 handshake. */
export function keySchemesOf({ keyType, namedCurve, isPss, pssHash }: KeyDetails): number[] {
  switch (keyType) {
    case "ed25519":
      return [SCHEMES.ed25519];
    case "ecdsa":
      return CURVES.filter(({ openssl }) => openssl === namedCurve).map(({ scheme }) => scheme);
    case "rsa":
      return PSS_SCHEMES.filter(({ hash }) => pssHash === undefined || hash === pssHash).map(
        ({ rsae, pss }) => (isPss ? pss : rsae),
      );
    default:
      return keyType satisfies never;
  }
}

/**
 * The signature algorithms of certificates (RFC 4055, RFC 5758, RFC 8410). RSASSA-PSS is not in this map, because its
 * hash is in the parameters of the signature.
 */
const SCHEME_BY_OID: ReadonlyMap<string, number> = new Map([
  ["1.2.840.113549.1.1.5", SCHEMES.rsa_pkcs1_sha1],
  ["1.2.840.113549.1.1.14", SCHEMES.rsa_pkcs1_sha224],
  ["1.2.840.113549.1.1.11", SCHEMES.rsa_pkcs1_sha256],
  ["1.2.840.113549.1.1.12", SCHEMES.rsa_pkcs1_sha384],
  ["1.2.840.113549.1.1.13", SCHEMES.rsa_pkcs1_sha512],
  ["1.2.840.10045.4.1", SCHEMES.ecdsa_sha1],
  ["1.2.840.10045.4.3.1", SCHEMES.ecdsa_sha224],
  ["1.2.840.10045.4.3.2", SCHEMES.ecdsa_secp256r1_sha256],
  ["1.2.840.10045.4.3.3", SCHEMES.ecdsa_secp384r1_sha384],
  ["1.2.840.10045.4.3.4", SCHEMES.ecdsa_secp521r1_sha512],
  ["1.3.101.112", SCHEMES.ed25519],
  ["1.3.101.113", SCHEMES.ed448],
]);

/**
 * Returns the scheme of a certificate's signature. For ECDSA it identifies the hash and not the curve, as in TLS 1.2.
 */
export const trySchemeOfOid = (oid: string): number | undefined => SCHEME_BY_OID.get(oid);

/** Returns the scheme of an RSASSA-PSS signature with this hash, e.g. `sha256`, by a key of type rsaEncryption. */
export const tryPssScheme = (hash: string): number | undefined =>
  PSS_SCHEMES.find((scheme) => scheme.hash === hash)?.rsae;

/**
 * Returns the RSASSA-PSS scheme with the same hash for a key of type id-RSASSA-PSS. The signature of a certificate does
 * not identify the type of the key.
 */
export const pssTwinOf = (scheme: number): number | undefined =>
  PSS_SCHEMES.find(({ rsae }) => rsae === scheme)?.pss;
