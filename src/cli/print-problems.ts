import { escapeControls } from "#model/escape-controls.ts";
import type { Problem } from "#model/failure.ts";

const INDENT = "  ";

/** Returns a text with errors first, each with path, message and hint, and with a count at the end. "" if there are none. */
export function printProblems(problems: readonly Problem[]): string {
  if (problems.length === 0) return "";
  const errors = problems.filter(({ severity }) => severity === "error");
  const warnings = problems.filter(({ severity }) => severity === "warning");
  const counts = [counted(errors.length, "error"), counted(warnings.length, "warning")];
  return [
    ...[...errors, ...warnings].map(entryOf),
    `${counts.filter((count) => count !== "").join(", ")}\n`,
  ].join("\n");
}

function entryOf({ severity, path, message, hint }: Problem): string {
  return [
    `${severity}: ${path === "" ? "the document" : path}`,
    `${INDENT}${message}`,
    `${INDENT}${hint}`,
  ]
    .map((line) => `${escapeControls(line)}\n`)
    .join("");
}

const counted = (count: number, noun: string): string => {
  if (count === 0) return "";
  return `${count} ${noun}${count === 1 ? "" : "s"}`;
};
