import { createHmac } from "node:crypto";
import type { FingerprintOf } from "#model/document/secrets.ts";

/** A character of base64url has 6 bits, so 22 characters have 132 bits. */
const LENGTH = 22;

/**
 * Returns a function that computes fingerprints with this key. If there were no key, a weak secret could be found
 * from its fingerprint by trying likely ones.
 */
export const fingerprintWith =
  (key: Uint8Array): FingerprintOf =>
  (secret) =>
    `secret:hmac-sha256:${createHmac("sha256", key).update(secret).digest("base64url").slice(0, LENGTH)}`;
