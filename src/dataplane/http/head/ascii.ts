/** Bytes and classes of bytes in HTTP/1.1 messages (RFC 9110 section 5.6, RFC 5234 appendix B.1). */

export const HTAB = 0x09;
export const LF = 0x0a;
export const CR = 0x0d;
export const SP = 0x20;
export const QUOTE = 0x22;
export const PERCENT = 0x25;
export const ASTERISK = 0x2a;
export const COMMA = 0x2c;
export const DASH = 0x2d;
export const DOT = 0x2e;
export const SLASH = 0x2f;
export const ZERO = 0x30;
export const NINE = 0x39;
export const COLON = 0x3a;
export const SEMICOLON = 0x3b;
export const EQUALS = 0x3d;
export const QUESTION_MARK = 0x3f;
export const BACKSLASH = 0x5c;
export const LEFT_BRACKET = 0x5b;
export const RIGHT_BRACKET = 0x5d;
export const UNDERSCORE = 0x5f;

/** A table has 1 at the bytes of its class, and 0 at all others. */
const tableOf = (isMember: (byte: number) => boolean): Uint8Array =>
  Uint8Array.from({ length: 256 }, (_, byte) => (isMember(byte) ? 1 : 0));

const isLetterOrDigit = (byte: number): boolean => /[0-9A-Za-z]/.test(String.fromCharCode(byte));

export const IS_LETTER_OR_DIGIT = tableOf(isLetterOrDigit);

/** `tchar` of RFC 9110 section 5.6.2. */
export const IS_TOKEN = tableOf(
  (byte) => isLetterOrDigit(byte) || "!#$%&'*+-.^_`|~".includes(String.fromCharCode(byte)),
);

/** The bytes of a field value and of a reason phrase: VCHAR, SP, HTAB and obs-text (RFC 9110 section 5.5). */
export const IS_TEXT = tableOf((byte) => byte === HTAB || (byte >= SP && byte !== 0x7f));

/**
 * The bytes of a request target: VCHAR without `#`, which would start a fragment (RFC 9112 section 3.2). RFC 3986 has no
 * raw `"<>[\]^{|}` and backtick, but browsers send most of them in a query, and HAProxy, nginx and llhttp accept them.
 * The value of `%` is ESCAPED, so that a target without it needs no second look.
 */
export const IS_TARGET = tableOf((byte) => byte > SP && byte < 0x7f && byte !== 0x23);
/** The value of `%` in IS_TARGET. It has a bit that the other bytes do not have. */
export const ESCAPED = 2;
IS_TARGET[PERCENT] = ESCAPED;

/** Upper-case letters of ASCII become lower-case letters. All other bytes stay as they are. */
export const LOWER = Uint8Array.from({ length: 256 }, (_, byte) =>
  byte >= 0x41 && byte <= 0x5a ? byte + 0x20 : byte,
);

/** The value of a hexadecimal digit, and 255 for all other bytes. */
export const HEX_VALUE = Uint8Array.from({ length: 256 }, (_, byte) =>
  /[0-9A-Fa-f]/.test(String.fromCharCode(byte))
    ? Number.parseInt(String.fromCharCode(byte), 16)
    : 255,
);

/** Whether the bytes from `start` to `end` are the word, which is in lower case. The case of letters is ignored. */
export function isWord(bytes: Buffer, start: number, end: number, word: Uint8Array): boolean {
  if (end - start !== word.length) return false;
  for (let at = 0; at < word.length; at += 1) {
    if (LOWER[bytes[start + at] ?? 0] !== word[at]) return false;
  }
  return true;
}

/** Whether the bytes from `start` to `end` are this text of ASCII. */
export function isText(bytes: Buffer, start: number, end: number, text: string): boolean {
  if (end - start !== text.length) return false;
  for (let at = 0; at < text.length; at += 1) {
    if (bytes[start + at] !== text.charCodeAt(at)) return false;
  }
  return true;
}
