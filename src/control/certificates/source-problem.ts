import type { Problem } from "#model/failure.ts";
import { problemOf, type ProblemCode } from "#model/problem.ts";

/** What ends the reading of a certificate or CA. Never holds any part of a file. */
export class SourceProblem extends Error {
  override readonly name = "SourceProblem";
  readonly problem: Problem;
  /** What else was found before that. */
  readonly warnings: readonly Problem[];

  constructor(problem: Problem, warnings: readonly Problem[] = [], cause?: unknown) {
    super(problem.message, { cause });
    this.problem = problem;
    this.warnings = warnings;
  }
}

export const sourceProblem = (
  code: ProblemCode,
  place: string,
  message: string,
  hint?: string,
): SourceProblem => new SourceProblem(problemOf(code, place, message, hint));
