import { createHash } from "node:crypto";

export const PROOF_TOKEN_BYTES = 32;
/** How long a worker keeps the socket of a proof open, and how long a proof may take in all. */
export const PROOF_MS = 2_000;
/** How many characters of a serial number a proof tells. RFC 5280 allows 40 hex digits, and some certificates have more. */
export const MAX_PROOF_SERIAL = 64;

/**
 * Returns the name of the socket on which a worker shows a certificate, in the abstract namespace of Linux (unix(7)). Such a
 * socket needs no folder that the worker may write to, and takes no port that a listener may want. A program that sees the
 * name cannot compute the token from it.
 */
export const proofSocketOf = (token: Uint8Array): string =>
  `\0tlsd-proof-${createHash("sha256").update(token).digest("hex")}`;
