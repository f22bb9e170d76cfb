import { HEX_VALUE, PERCENT, QUESTION_MARK } from "./ascii.ts";

/**
 * Whether the path has a `%` without two hexadecimal digits (RFC 3986 section 2.1), or `%00`, which RFC 3986 section 7.3
 * warns of. The path ends at the first `?` or at `end`. Endpoints keep, decode, cut or refuse such a path, each in its own
 * way. The query is not checked: browsers leave a `%` there as the user has typed it, and most endpoints accept it.
 */
export function hasBadEscape(bytes: Buffer, start: number, end: number): boolean {
  for (let at = start; at < end; at += 1) {
    const byte = bytes[at];
    if (byte === QUESTION_MARK) return false;
    if (byte === PERCENT && !isGoodEscape(bytes, at, end)) return true;
  }
  return false;
}

function isGoodEscape(bytes: Buffer, at: number, end: number): boolean {
  if (at + 2 >= end) return false;
  const high = HEX_VALUE[bytes[at + 1] ?? 0] ?? 255;
  const low = HEX_VALUE[bytes[at + 2] ?? 0] ?? 255;
  return high < 16 && low < 16 && high + low > 0;
}
