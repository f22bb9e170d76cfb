import { createHmac } from "node:crypto";
import type { FingerprintOf } from "#model/document/secrets.ts";

const LENGTH = 22;

/** The key keeps the fingerprint of a weak secret from being guessed by those who see it. 22 characters are 132 bits. */
export const fingerprintWith =
  (key: Uint8Array): FingerprintOf =>
  (secret) =>
    `secret:hmac-sha256:${createHmac("sha256", key).update(secret).digest("base64url").slice(0, LENGTH)}`;
