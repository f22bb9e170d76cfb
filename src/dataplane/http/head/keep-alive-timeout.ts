import { COMMA, EQUALS, HTAB, IS_TOKEN, isWord, NINE, SP, ZERO } from "./ascii.ts";

const TIMEOUT = Buffer.from("timeout", "latin1");
const MAX_TIMEOUT_SECONDS = 86_400;

/**
 * Returns the `timeout` of a Keep-Alive field such as `timeout=5, max=100` in milliseconds, at most a day. It is in
 * seconds on the wire (RFC 2068 section 19.7.1.1 and the registry of RFC 9112 appendix C.2.2). Returns undefined if there is none.
 */
export function tryKeepAliveTimeoutMs(
  bytes: Buffer,
  start: number,
  end: number,
): number | undefined {
  let at = start;
  while (at < end) {
    while (at < end && (bytes[at] === SP || bytes[at] === HTAB || bytes[at] === COMMA)) at += 1;
    let nameEnd = at;
    while (nameEnd < end && IS_TOKEN[bytes[nameEnd] ?? 0] === 1) nameEnd += 1;
    if (bytes[nameEnd] === EQUALS && nameEnd < end && isWord(bytes, at, nameEnd, TIMEOUT)) {
      return trySecondsAsMs(bytes, nameEnd + 1, end);
    }
    at = nameEnd;
    while (at < end && bytes[at] !== COMMA) at += 1;
  }
  return undefined;
}

function trySecondsAsMs(bytes: Buffer, start: number, end: number): number | undefined {
  let at = start;
  let seconds = 0;
  while (at < end && (bytes[at] ?? 0) >= ZERO && (bytes[at] ?? 0) <= NINE) {
    seconds = Math.min(MAX_TIMEOUT_SECONDS, seconds * 10 + (bytes[at] ?? 0) - ZERO);
    at += 1;
  }
  return at === start ? undefined : seconds * 1000;
}
