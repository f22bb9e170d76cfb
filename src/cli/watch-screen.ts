import type { Terminal } from "./terminal.ts";

/** Control sequences of ECMA-48, and the private modes of xterm for the cursor and for the wrapping of lines. */
const CLEAR = "\u001b[H\u001b[2J";
const HOME = "\u001b[H";
const CLEAR_LINE = "\u001b[K";
const CLEAR_BELOW = "\u001b[J";
const HIDE_CURSOR = "\u001b[?25l";
const SHOW_CURSOR = "\u001b[?25h";
const WRAP_OFF = "\u001b[?7l";
const WRAP_ON = "\u001b[?7h";

/** A terminal on which each text replaces the one before. Closing it restores the terminal and leaves the last text. */
export interface Screen extends Terminal, Disposable {}

/** Returns a screen that writes each text over the one before, without clearing it first, so that nothing flickers. */
export function openScreen(terminal: Terminal, isJson: boolean): Screen {
  if (!terminal.isInteractive || isJson) {
    return {
      isInteractive: terminal.isInteractive,
      out: (text) => terminal.out(text),
      err: (text) => terminal.err(text),
      [Symbol.dispose]: () => undefined,
    };
  }
  const hasColours = terminal.hasColours?.out ?? false;
  terminal.out(HIDE_CURSOR + WRAP_OFF + CLEAR);
  const draw = (text: string): void => {
    const lines = shownLines(text, terminal.rows ?? Infinity);
    const frame = lines.map((line) => `${line}${CLEAR_LINE}\n`).join("");
    terminal.out(HOME + frame + CLEAR_BELOW);
  };
  return {
    isInteractive: true,
    hasColours: { out: hasColours, err: hasColours },
    out: draw,
    err: draw,
    // The terminal has echoed Ctrl-C.
    [Symbol.dispose]: () => terminal.out(`\r${CLEAR_LINE}${WRAP_ON}${SHOW_CURSOR}`),
  };
}

/** The last row of the terminal stays free for the cursor. */
function shownLines(text: string, rows: number): readonly string[] {
  const lines = text.replace(/\n$/, "").split("\n");
  const most = Math.max(rows - 1, 1);
  if (lines.length <= most) return lines;
  const hidden = lines.length - most + 1;
  return [...lines.slice(0, most - 1), `… ${hidden} more lines`];
}
