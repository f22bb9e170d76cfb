/**
 * Texts of access lines. Each character of such a text stands for one byte of the line, so that a line is copied into a buffer
 * without being encoded, and its length is known.
 */
import { escapeControls } from "#model/escape-controls.ts";

const byteTextOf = (text: string): string => Buffer.from(text).toString("latin1");

/** Printable ASCII without quotes and backslashes is the same in JSON. */
const PLAIN = /^[ !#-[\]-~]*$/;

/** Returns a text that may come from outside as a string of JSON. Characters that can control a terminal are written as `\u{1b}`. */
export const jsonTextOf = (text: string): string =>
  PLAIN.test(text) ? `"${text}"` : byteTextOf(JSON.stringify(escapeControls(text)));

/** What could end a quoted text, or is not printable ASCII. */
const UNSAFE = /["\\]|[^ -~]/gu;

/** Returns the text of a line in the combined format. Unsafe characters are written as `\x22`, in UTF-8, as nginx does. */
export const combinedTextOf = (text: string): string =>
  PLAIN.test(text)
    ? text
    : text.replace(UNSAFE, (character) =>
        Array.from(
          Buffer.from(character),
          (byte) => `\\x${byte.toString(16).toUpperCase().padStart(2, "0")}`,
        ).join(""),
      );

/** The fractions of a millisecond in microseconds, as decimals without trailing zeros. */
const FRACTIONS = Array.from({ length: 1_000 }, (_, microseconds) =>
  String(microseconds / 1_000).slice(1),
);

/** Returns milliseconds with up to three decimals, or -1 if `ms` is negative. */
export function millisecondsTextOf(ms: number): string {
  if (ms < 0) return "-1";
  const microseconds = Math.round(ms * 1_000);
  const whole = Math.floor(microseconds / 1_000);
  return `${whole}${FRACTIONS[microseconds - whole * 1_000]}`;
}
