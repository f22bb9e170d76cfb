// Control characters (C0, DEL, C1) can control a terminal. Format characters (bidi, zero width) and line separators can
// make one line look like another. A lone surrogate is not a valid character.
const UNSAFE = /[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/gu;
/** Those that JSON.stringify does not escape. Line feeds and spaces are between the values. */
const UNSAFE_IN_JSON = /[\u{7f}-\u{9f}\p{Cf}\p{Zl}\p{Zp}]/gu;

/**
 * Returns text from a client in a form that is safe to print. Every invisible or unsafe character is written as
 * `\u{1b}`.
 */
export function escapeControls(text: string): string {
  return text.replace(UNSAFE, (character) => `\\u{${character.codePointAt(0)?.toString(16)}}`);
}

/** Writes such characters in JSON as escapes of JSON, so that it is safe to print and has the same value. */
export const escapeControlsInJson = (json: string): string =>
  json.replace(UNSAFE_IN_JSON, (character) =>
    character
      .split("")
      .map((unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, "0")}`)
      .join(""),
  );
