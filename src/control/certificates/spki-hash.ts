import { createPublicKey, hash } from "node:crypto";

/**
 * Names a public key by the SHA-256 of its SubjectPublicKeyInfo in base64 (RFC 7469 section 2.4). It is part of what a sealed key is
 * bound to, so all of these functions must return the same text for the same key.
 */
const spkiHashOf = (publicKeyInfo: Uint8Array): string => hash("sha256", publicKeyInfo, "base64");

/** `keyPem` is a private key. */
export const spkiHashOfKey = (keyPem: string): string =>
  spkiHashOf(createPublicKey(keyPem).export({ type: "spki", format: "der" }));

const PIN_START = "sha256/";

export const spkiPinOf = (publicKeyInfo: Uint8Array): string =>
  `${PIN_START}${spkiHashOf(publicKeyInfo)}`;

export const spkiHashOfPin = (pin: string): string => pin.slice(PIN_START.length);
