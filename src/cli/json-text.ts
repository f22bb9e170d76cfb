import { escapeControlsInJson } from "#model/escape-controls.ts";

/** Returns what a command prints with `--json`. It is safe to print on a terminal. */
export const jsonText = (value: unknown): string =>
  `${escapeControlsInJson(JSON.stringify(value, undefined, 2))}\n`;

/** Returns the same on one line, for a command that prints again and again. */
export const jsonLine = (value: unknown): string =>
  `${escapeControlsInJson(JSON.stringify(value))}\n`;
