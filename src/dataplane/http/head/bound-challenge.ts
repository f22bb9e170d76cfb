import { COMMA, HTAB, IS_TOKEN, isWord, SP } from "./ascii.ts";

const NEGOTIATE = Buffer.from("negotiate", "latin1");
const NTLM = Buffer.from("ntlm", "latin1");

/**
 * Whether a list of challenges or credentials has the scheme Negotiate or NTLM, which authenticate the connection and not
 * the request (RFC 4559 section 6). A quoted string with a comma may be taken for one, which costs only a connection.
 */
export function isBoundChallenge(bytes: Buffer, start: number, end: number): boolean {
  let at = start;
  while (at < end) {
    while (at < end && (bytes[at] === SP || bytes[at] === HTAB || bytes[at] === COMMA)) at += 1;
    let schemeEnd = at;
    while (schemeEnd < end && IS_TOKEN[bytes[schemeEnd] ?? 0] === 1) schemeEnd += 1;
    if (isWord(bytes, at, schemeEnd, NTLM) || isWord(bytes, at, schemeEnd, NEGOTIATE)) return true;
    at = schemeEnd;
    while (at < end && bytes[at] !== COMMA) at += 1;
  }
  return false;
}
