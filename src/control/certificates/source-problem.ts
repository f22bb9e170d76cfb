import type { Problem } from "#model/failure.ts";
import { problemOf, type ProblemCode } from "#model/problem.ts";

/** The problem for which a certificate or CA bundle cannot be read. It never contains any part of a file. */
export class SourceProblem extends Error {
  override readonly name = "SourceProblem";
  readonly problem: Problem;
  /** Warnings that were found before the problem. */
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
