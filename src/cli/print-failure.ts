import { DirectorError, type FailureShape } from "#model/failure.ts";
import { escapeControls } from "#model/escape-controls.ts";
import { printProblems } from "./print-problems.ts";
import type { Terminal } from "./terminal.ts";

/** The shape of whatever was thrown; what is not ours has the code `internal` and keeps its words. */
export function failureShapeOf(error: unknown): FailureShape {
  if (error instanceof DirectorError) return error.toShape();
  const detail = error instanceof Error ? error.message : String(error);
  return new DirectorError("internal", detail, { cause: error }).toShape();
}

/** Code, sentence and hint: on standard error for people, as JSON on standard output for programs. */
export function printFailure(terminal: Terminal, failure: FailureShape, isJson: boolean): void {
  if (isJson) {
    terminal.out(`${JSON.stringify(failure, undefined, 2)}\n`);
    return;
  }
  const { code, message, hint, problems = [] } = failure;
  const head = `tlsd: ${escapeControls(`${code}: ${message}`)}\n`;
  terminal.err(`${head}${printProblems(problems)}  ${escapeControls(hint)}\n`);
}

/** Where an exception came from that nobody expected, for who mends it. */
export function printTrace(terminal: Terminal, error: unknown): void {
  const trace = error instanceof Error ? (error.stack ?? error.message) : String(error);
  terminal.err(
    trace
      .split("\n")
      .map((line) => `${escapeControls(line)}\n`)
      .join(""),
  );
}
