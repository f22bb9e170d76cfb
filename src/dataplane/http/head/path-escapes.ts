import { HEX_VALUE, PERCENT, QUESTION_MARK } from "./ascii.ts";

/**
 * Whether the path has a `%` without two hexadecimal digits (RFC 3986 section 2.1). The path ends at the first `?` or at
 * `end`. Endpoints keep, decode or refuse such a path, each in its own way. The query is not checked: browsers leave a `%`
 * there as the user has typed it, and most endpoints accept it.
 */
export function hasBadEscape(bytes: Buffer, start: number, end: number): boolean {
  for (let at = start; at < end; at += 1) {
    const byte = bytes[at];
    if (byte === QUESTION_MARK) return false;
    if (byte === PERCENT && !(at + 2 < end && isHex(bytes[at + 1]) && isHex(bytes[at + 2]))) {
      return true;
    }
  }
  return false;
}

const isHex = (byte = 0): boolean => (HEX_VALUE[byte] ?? 255) < 16;
