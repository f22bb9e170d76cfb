import { CIPHER_SUITES, GROUPS } from "#model/tls/cipher-suites.ts";

/**
 * The OpenSSL names of suites that a policy may contain, and of others that clients of the last fifteen years offer.
 */
const CIPHER_SUITE_NAMES: ReadonlyMap<number, string> = new Map([
  [0x0005, "RC4-SHA"],
  [0x000a, "DES-CBC3-SHA"],
  [0x002f, "AES128-SHA"],
  [0x0033, "DHE-RSA-AES128-SHA"],
  [0x0035, "AES256-SHA"],
  [0x0039, "DHE-RSA-AES256-SHA"],
  [0x003c, "AES128-SHA256"],
  [0x003d, "AES256-SHA256"],
  [0x0067, "DHE-RSA-AES128-SHA256"],
  [0x006b, "DHE-RSA-AES256-SHA256"],
  [0x009c, "AES128-GCM-SHA256"],
  [0x009d, "AES256-GCM-SHA384"],
  [0x009e, "DHE-RSA-AES128-GCM-SHA256"],
  [0x009f, "DHE-RSA-AES256-GCM-SHA384"],
  [0x00ff, "TLS_EMPTY_RENEGOTIATION_INFO_SCSV"],
  [0x1304, "TLS_AES_128_CCM_SHA256"],
  [0x1305, "TLS_AES_128_CCM_8_SHA256"],
  [0x5600, "TLS_FALLBACK_SCSV"],
  [0xc008, "ECDHE-ECDSA-DES-CBC3-SHA"],
  [0xc009, "ECDHE-ECDSA-AES128-SHA"],
  [0xc00a, "ECDHE-ECDSA-AES256-SHA"],
  [0xc012, "ECDHE-RSA-DES-CBC3-SHA"],
  [0xc013, "ECDHE-RSA-AES128-SHA"],
  [0xc014, "ECDHE-RSA-AES256-SHA"],
  [0xc023, "ECDHE-ECDSA-AES128-SHA256"],
  [0xc024, "ECDHE-ECDSA-AES256-SHA384"],
  [0xc027, "ECDHE-RSA-AES128-SHA256"],
  [0xc028, "ECDHE-RSA-AES256-SHA384"],
  [0xc0ac, "ECDHE-ECDSA-AES128-CCM"],
  [0xc0ad, "ECDHE-ECDSA-AES256-CCM"],
  [0xccaa, "DHE-RSA-CHACHA20-POLY1305"],
  ...CIPHER_SUITES.map(({ code, name }): [number, string] => [code, name]),
]);

const GROUP_NAMES: ReadonlyMap<number, string> = new Map([
  [0x001a, "brainpoolP256r1"],
  [0x001b, "brainpoolP384r1"],
  [0x001c, "brainpoolP512r1"],
  [0x001e, "X448"],
  [0x0100, "ffdhe2048"],
  [0x0101, "ffdhe3072"],
  [0x0102, "ffdhe4096"],
  [0x0103, "ffdhe6144"],
  [0x0104, "ffdhe8192"],
  [0x0200, "MLKEM512"],
  [0x0201, "MLKEM768"],
  [0x0202, "MLKEM1024"],
  [0x11eb, "SecP256r1MLKEM768"],
  [0x11ed, "SecP384r1MLKEM1024"],
  [0x6399, "X25519Kyber768Draft00"],
  ...Object.entries(GROUPS).map(([name, code]): [number, string] => [code, name]),
]);

const VERSION_NAMES: ReadonlyMap<number, string> = new Map([
  [0x0002, "SSLv2"],
  [0x0300, "SSLv3"],
  [0x0301, "TLSv1"],
  [0x0302, "TLSv1.1"],
  [0x0303, "TLSv1.2"],
  [0x0304, "TLSv1.3"],
]);

/** Returns the name of the suite in a policy, or the code as `0xc0ff` if it has none (IANA TLS cipher suites). */
export function cipherSuiteName(code: number): string {
  return CIPHER_SUITE_NAMES.get(code) ?? hexOf(code);
}

/** Returns the name of the group in a policy, or the code as `0x0a0b` if it has none (IANA TLS supported groups). */
export function groupName(code: number): string {
  return GROUP_NAMES.get(code) ?? hexOf(code);
}

/** Returns a name such as `TLSv1.3`, or the code as `0x7f1c` if it has none. */
export function versionName(code: number): string {
  return VERSION_NAMES.get(code) ?? hexOf(code);
}

function hexOf(code: number): string {
  return `0x${code.toString(16).padStart(4, "0")}`;
}
