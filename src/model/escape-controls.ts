// Control characters (C0, DEL, C1) can control a terminal. Format characters (bidi, zero width) and line separators can
// make one line look like another. A lone surrogate is not a valid character.
const UNSAFE = /[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/gu;

/**
 * Returns text from a client in a form that is safe to print. Every invisible or unsafe character is written as
 * `\u{1b}`.
 */
export function escapeControls(text: string): string {
  return text.replace(UNSAFE, (character) => `\\u{${character.codePointAt(0)?.toString(16)}}`);
}

const NOT_ASCII = /[^\0-\x7f]+/g;

/** Whether a text has such characters outside of ASCII. It is much faster than the functions that escape them. */
export const hasUnsafeCharacters = (text: string): boolean =>
  text.match(NOT_ASCII)?.some((part) => part.search(UNSAFE) >= 0) ?? false;

/** Writes such characters in JSON as `\u202e`, so that the value of the JSON stays the same. Line breaks between values stay. */
export const escapeControlsInJson = (json: string): string =>
  json.replace(UNSAFE, (character) => (character === "\n" ? character : jsonEscapeOf(character)));

const jsonEscapeOf = (character: string): string =>
  character
    .split("")
    .map((unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, "0")}`)
    .join("");
