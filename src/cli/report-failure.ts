import { CommanderError } from "commander";
import { escapeControls } from "#model/escape-controls.ts";
import { DirectorError } from "#model/failure.ts";
import { failureShapeOf, printFailure, printTrace } from "./print-failure.ts";
import type { Terminal } from "./terminal.ts";
import { UsageError } from "./usage-error.ts";

/** Prints why a command failed, unless commander has printed it. Returns the exit code of the command. */
export function reportFailure(terminal: Terminal, error: unknown, isJson: boolean): number {
  if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : 2;
  if (error instanceof UsageError) {
    terminal.err(`error: ${escapeControls(error.message)}\nUse --help to see the usage.\n`);
    return 2;
  }
  if (!(error instanceof DirectorError)) printTrace(terminal, error);
  printFailure(terminal, failureShapeOf(error), isJson);
  return 1;
}
