import { KeyObject, webcrypto } from "node:crypto";

export type KeyType = "ecdsa" | "ecdsa-p384" | "ecdsa-p521" | "ed25519" | "rsa";

const generation = {
  ecdsa: { name: "ECDSA", namedCurve: "P-256" },
  "ecdsa-p384": { name: "ECDSA", namedCurve: "P-384" },
  "ecdsa-p521": { name: "ECDSA", namedCurve: "P-521" },
  ed25519: { name: "Ed25519" },
  rsa: {
    name: "RSASSA-PKCS1-v1_5",
    modulusLength: 2048,
    publicExponent: Uint8Array.of(1, 0, 1),
    hash: "SHA-256",
  },
} as const;

export const signingAlgorithms = {
  ecdsa: { name: "ECDSA", hash: "SHA-256" },
  "ecdsa-p384": { name: "ECDSA", hash: "SHA-384" },
  "ecdsa-p521": { name: "ECDSA", hash: "SHA-512" },
  ed25519: { name: "Ed25519" },
  rsa: { name: "RSASSA-PKCS1-v1_5", hash: "SHA-256" },
} as const satisfies Record<KeyType, object>;

let sharedRsaKeys: Promise<CryptoKeyPair> | undefined;

export type CryptoKeyPair = webcrypto.CryptoKeyPair;

async function generate(type: KeyType): Promise<CryptoKeyPair> {
  // The types leave open that one of these algorithms might have a single key.
  const keys = await webcrypto.subtle.generateKey(generation[type], true, ["sign", "verify"]);
  return keys as CryptoKeyPair;
}

/** A new key, P-256 for `ecdsa`, or the one RSA-2048 key of this process: making one takes up to a second. */
export function keyPairOf(type: KeyType): Promise<CryptoKeyPair> {
  if (type !== "rsa") return generate(type);
  sharedRsaKeys ??= generate(type);
  return sharedRsaKeys;
}

/** PKCS#8; with a passphrase encrypted by PBES2 with AES-256-CBC. */
export function privateKeyPem(keys: CryptoKeyPair, passphrase?: string): string {
  const key = KeyObject.from(keys.privateKey);
  const format = { type: "pkcs8", format: "pem" } as const;
  if (passphrase === undefined) return key.export(format);
  return key.export({ ...format, cipher: "aes-256-cbc", passphrase });
}
