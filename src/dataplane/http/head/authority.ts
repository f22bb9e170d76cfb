import { isIpAddress } from "#model/addresses/cidr.ts";
import {
  COLON,
  DASH,
  DOT,
  IS_LETTER_OR_DIGIT,
  LEFT_BRACKET,
  NINE,
  RIGHT_BRACKET,
  UNDERSCORE,
  ZERO,
} from "./ascii.ts";

/** The longest DNS name with a trailing dot (RFC 1035 section 3.1). */
const MAX_HOST_BYTES = 255;
const MAX_PORT_DIGITS = 5;
const MAX_PORT = 65_535;

/**
 * Whether the bytes are a host with an optional port: `uri-host [ ":" port ]` of RFC 9110 section 7.2. A host is an IPv6
 * address in brackets, or letters, digits, `-` and `_` in labels that are not empty, with at least one letter or digit and at most one dot at the end. RFC 3986 also allows
 * sub-delims and percent-encoded bytes, which no DNS name has and which endpoints decode differently. An empty host and a
 * user name (RFC 9110 section 4.2.4) are refused. The port may be empty.
 */
export function isAuthority(bytes: Buffer, start: number, end: number): boolean {
  const hostEnd =
    bytes[start] === LEFT_BRACKET ? endOfAddress(bytes, start, end) : endOfName(bytes, start, end);
  if (hostEnd < 0 || hostEnd - start > MAX_HOST_BYTES) return false;
  return hostEnd === end || (bytes[hostEnd] === COLON && isPort(bytes, hostEnd + 1, end));
}

/** Returns -1 if there is no IPv6 address in brackets. */
function endOfAddress(bytes: Buffer, start: number, end: number): number {
  let at = start + 1;
  while (at < end && at - start <= MAX_HOST_BYTES && bytes[at] !== RIGHT_BRACKET) at += 1;
  if (at === end || bytes[at] !== RIGHT_BRACKET) return -1;
  return isIpAddress(bytes.toString("latin1", start + 1, at)) === 6 ? at + 1 : -1;
}

/** Returns -1 if there is no letter or digit, or an empty label before the end. */
function endOfName(bytes: Buffer, start: number, end: number): number {
  let at = start;
  let hasLetterOrDigit = false;
  while (at < end) {
    const byte = bytes[at] ?? 0;
    if (IS_LETTER_OR_DIGIT[byte] === 1) hasLetterOrDigit = true;
    else if (byte === DOT) {
      if (at === start || bytes[at - 1] === DOT) return -1;
    } else if (byte !== DASH && byte !== UNDERSCORE) break;
    at += 1;
  }
  return hasLetterOrDigit ? at : -1;
}

function isPort(bytes: Buffer, start: number, end: number): boolean {
  if (end - start > MAX_PORT_DIGITS) return false;
  let port = 0;
  for (let at = start; at < end; at += 1) {
    const byte = bytes[at] ?? 0;
    if (byte < ZERO || byte > NINE) return false;
    port = port * 10 + byte - ZERO;
  }
  return port <= MAX_PORT;
}
