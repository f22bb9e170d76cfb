/** The types of keys that the director makes for a request to a CA. The first is the default. */
export const REQUEST_KEY_TYPES = [
  "ecdsa",
  "ecdsa-p384",
  "ecdsa-p521",
  "rsa",
  "rsa-3072",
  "rsa-4096",
  "ed25519",
] as const;
export type RequestKeyType = (typeof REQUEST_KEY_TYPES)[number];
