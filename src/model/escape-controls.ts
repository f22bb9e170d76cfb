// Controls (C0, DEL, C1) could steer a terminal; format characters (bidi, zero width) and line separators could make one
// line look like another; a lone surrogate is no text.
const UNSAFE = /[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/gu;

/** What a client sent, safe to print: everything that does not show as itself becomes `\u{1b}`. */
export function escapeControls(text: string): string {
  return text.replace(UNSAFE, (character) => `\\u{${character.codePointAt(0)?.toString(16)}}`);
}
