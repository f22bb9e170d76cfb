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
