import { DirectorError, type FailureShape } from "#model/failure.ts";
import { escapeControls } from "#model/escape-controls.ts";
import { printProblems } from "./print-problems.ts";
import type { Terminal } from "./terminal.ts";
import { jsonText } from "./json-text.ts";

/** Returns the shape of a thrown value. An error of another class gets the code `internal` and keeps its message. */
export function failureShapeOf(error: unknown): FailureShape {
  if (error instanceof DirectorError) return error.toShape();
  const detail = error instanceof Error ? error.message : String(error);
  return new DirectorError("internal", detail, { cause: error }).toShape();
}

/** Prints code, message and hint as text on standard error, or as JSON on standard output. */
export function printFailure(terminal: Terminal, failure: FailureShape, isJson: boolean): void {
  if (isJson) {
    terminal.out(jsonText(failure));
    return;
  }
  const { code, message, hint, problems = [] } = failure;
  const head = `tlsd: ${escapeControls(`${code}: ${message}`)}\n`;
  const list = printProblems(problems, { hasColours: terminal.hasColours?.err });
  terminal.err(`${head}${list}  ${escapeControls(hint)}\n`);
}

/** Prints the stack of an unexpected error, for a bug report. */
export function printTrace(terminal: Terminal, error: unknown): void {
  const trace = error instanceof Error ? (error.stack ?? error.message) : String(error);
  terminal.err(
    trace
      .split("\n")
      .map((line) => `${escapeControls(line)}\n`)
      .join(""),
  );
}
