import { createHash, hkdfSync } from "node:crypto";

const TICKET_KEY_BYTES = 48;
/** OpenSSL takes no longer session id context than this. */
const SESSION_ID_CONTEXT_CHARACTERS = 32;

/**
 * Ticket keys of one session scope. A scope is a listener, its policy, its CA set, its CRL and its trust anchors: a
 * session that was made under one opens under no other, so nobody resumes past a client check that they did not pass.
 * RFC 5869, RFC 5077 section 5.5.
 */
export function ticketKeysOf(baseKey: Buffer, sessionScope: string): Buffer {
  return Buffer.from(
    hkdfSync("sha256", baseKey, "", `tlsd ticket keys ${sessionScope}`, TICKET_KEY_BYTES),
  );
}

export function sessionIdContextOf(sessionScope: string): string {
  return createHash("sha256")
    .update(sessionScope)
    .digest("hex")
    .slice(0, SESSION_ID_CONTEXT_CHARACTERS);
}
