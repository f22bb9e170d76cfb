import { styleText } from "node:util";
import { escapeControls } from "#model/escape-controls.ts";
import type { Problem } from "#model/failure.ts";
import type { SourceText } from "./source-text.ts";

const INDENT = "    ";

export interface ProblemStyle {
  readonly hasColours?: boolean | undefined;
  /** The text of the file in which the problems are. */
  readonly source?: SourceText | undefined;
}

/**
 * Returns a text with errors first, in the order of their lines, and with a count at the end. The first line of each problem is
 * `FILE:LINE:COLUMN: error: MESSAGE`, which editors and CI systems understand. "" if there are none.
 */
export function printProblems(problems: readonly Problem[], style: ProblemStyle = {}): string {
  if (problems.length === 0) return "";
  const errors = problems.filter(({ severity }) => severity === "error");
  const warnings = problems.filter(({ severity }) => severity === "warning");
  const counts = [counted(errors.length, "error"), counted(warnings.length, "warning")];
  return [
    ...[...inOrder(errors), ...inOrder(warnings)].map((problem) => entryOf(problem, style)),
    `${counts.filter((count) => count !== "").join(", ")}\n`,
  ].join("\n");
}

const inOrder = (problems: readonly Problem[]): readonly Problem[] =>
  problems.toSorted(
    (one, other) =>
      (one.line ?? Infinity) - (other.line ?? Infinity) || (one.column ?? 0) - (other.column ?? 0),
  );

function entryOf(problem: Problem, { hasColours = false, source }: ProblemStyle): string {
  const { severity, path, message, hint } = problem;
  const paint = (style: Parameters<typeof styleText>[0], text: string): string =>
    hasColours ? styleText(style, text, { validateStream: false }) : text;
  const colour = severity === "error" ? "red" : "yellow";
  const place = placeOf(problem);
  const head = [
    ...(place === "" ? [] : [paint("bold", `${escapeControls(place)}:`)]),
    paint([colour, "bold"], `${severity}:`),
    escapeControls(message),
  ].join(" ");
  const excerpt = source?.excerptOf(problem);
  return [
    head,
    ...(path === "" ? [] : [`${INDENT}at ${escapeControls(path)}`]),
    ...(excerpt === undefined
      ? []
      : [`${INDENT}${excerpt.line}`, `${INDENT}${paint(colour, excerpt.caret)}`]),
    `${INDENT}${escapeControls(hint)}`,
  ]
    .map((line) => `${line}\n`)
    .join("");
}

function placeOf({ file, line, column }: Problem): string {
  if (file === undefined) return "";
  return line === undefined ? file : `${file}:${line}:${column ?? 1}`;
}

const counted = (count: number, noun: string): string => {
  if (count === 0) return "";
  return `${count} ${noun}${count === 1 ? "" : "s"}`;
};
