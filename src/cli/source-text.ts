import { readFile } from "node:fs/promises";
import { escapeControls } from "#model/escape-controls.ts";
import type { Problem } from "#model/failure.ts";

const MAX_EXCERPT_LENGTH = 100;
/** How much of a long line is shown before the column of the problem. */
const LEAD_LENGTH = 40;

export interface Excerpt {
  readonly line: string;
  readonly caret: string;
}

/** The text of a document, of which the lines with problems are shown. */
export class SourceText {
  readonly #lines: readonly string[];

  constructor(text: string) {
    // A private key that was pasted into the document must not be printed, and it may have any number of lines.
    this.#lines = text.includes("-----BEGIN") ? [] : text.split(/\r\n|\n|\r/);
  }

  /** Returns the line of the problem, and a line with a caret under its column. */
  excerptOf({ line, column }: Problem): Excerpt | undefined {
    const text = this.#lines[(line ?? 0) - 1];
    if (text === undefined || text.trim() === "" || column === undefined) return undefined;
    const at = Math.min(column - 1, text.length);
    const from = at > LEAD_LENGTH && text.length > MAX_EXCERPT_LENGTH ? at - LEAD_LENGTH : 0;
    const before = shown(text.slice(from, at), from > 0 ? "…" : "");
    const rest = text.slice(at, from + MAX_EXCERPT_LENGTH);
    const isCut = from + MAX_EXCERPT_LENGTH < text.length;
    const number = String(line);
    return {
      line: `${number} | ${before}${shown(rest)}${isCut ? "…" : ""}`,
      caret: `${" ".repeat(number.length)} | ${" ".repeat(Array.from(before).length)}^`,
    };
  }
}

const shown = (text: string, prefix = ""): string =>
  prefix + escapeControls(text.replaceAll("\t", " ").toWellFormed());

/** Returns undefined if the file cannot be read. The problems are then shown without their lines. */
export async function trySourceText(path: string): Promise<SourceText | undefined> {
  try {
    return new SourceText(await readFile(path, "utf8"));
  } catch {
    return undefined;
  }
}
