import { escapeControls } from "#model/escape-controls.ts";
import type { Problem } from "#model/failure.ts";

const INDENT = "  ";

/** Text for people: errors first, each with its place, what is wrong and what to do; a count at the end. "" for none. */
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
