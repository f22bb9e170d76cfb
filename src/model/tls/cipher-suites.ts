/**
 * A cipher suite that a policy may contain. Other suites are never offered. Codes are those of the IANA TLS parameters.
 */
export interface CipherSuite {
  readonly code: number;
  /** The name in OpenSSL and BoringSSL, which the document uses too. */
  readonly name: string;
  readonly version: "TLSv1.2" | "TLSv1.3";
  /** The key type of the certificates that the suite works with. A TLS 1.3 suite works with every key type. */
  readonly keyType: "ecdsa" | "rsa" | "any";
}

const suite = (
  code: number,
  name: string,
  version: CipherSuite["version"],
  keyType: CipherSuite["keyType"],
): CipherSuite => ({ code, name, version, keyType });

export const CIPHER_SUITES: readonly CipherSuite[] = [
  suite(0x1301, "TLS_AES_128_GCM_SHA256", "TLSv1.3", "any"),
  suite(0x1302, "TLS_AES_256_GCM_SHA384", "TLSv1.3", "any"),
  suite(0x1303, "TLS_CHACHA20_POLY1305_SHA256", "TLSv1.3", "any"),
  suite(0xc02b, "ECDHE-ECDSA-AES128-GCM-SHA256", "TLSv1.2", "ecdsa"),
  suite(0xc02f, "ECDHE-RSA-AES128-GCM-SHA256", "TLSv1.2", "rsa"),
  suite(0xc02c, "ECDHE-ECDSA-AES256-GCM-SHA384", "TLSv1.2", "ecdsa"),
  suite(0xc030, "ECDHE-RSA-AES256-GCM-SHA384", "TLSv1.2", "rsa"),
  suite(0xcca9, "ECDHE-ECDSA-CHACHA20-POLY1305", "TLSv1.2", "ecdsa"),
  suite(0xcca8, "ECDHE-RSA-CHACHA20-POLY1305", "TLSv1.2", "rsa"),
];

export const CIPHER_SUITE_NAMES: readonly string[] = CIPHER_SUITES.map(({ name }) => name);

const BY_NAME: ReadonlyMap<string, CipherSuite> = new Map(
  CIPHER_SUITES.map((entry) => [entry.name, entry]),
);
export const tryCipherSuite = (name: string): CipherSuite | undefined => BY_NAME.get(name);

/**
 * The groups that both engines support, by names that both accept. Codes are those of the IANA TLS supported groups.
 */
export const GROUPS = {
  X25519MLKEM768: 0x11ec,
  X25519: 0x001d,
  "P-256": 0x0017,
  "P-384": 0x0018,
  "P-521": 0x0019,
} as const satisfies Readonly<Record<string, number>>;
export type GroupName = keyof typeof GROUPS;
export const GROUP_NAMES = Object.keys(GROUPS) as readonly GroupName[];

/**
 * Whether the group exists only in TLS 1.3. Hybrid groups are not defined for TLS 1.2 (draft-ietf-tls-ecdhe-mlkem
 * section 4).
 */
export const isTls13Group = (name: GroupName): boolean => name === "X25519MLKEM768";
