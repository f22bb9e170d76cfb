import { problemOf } from "#model/problem.ts";
import type { Job } from "../reader/jobs.ts";
import {
  MaterialRefusedError,
  type MaterialReader,
  type ReadMaterial,
} from "../reader/material-reader.ts";
import { DeadlineError, ReaderEndedError } from "../reader/reader-process.ts";
import { SourceProblem } from "./source-problem.ts";

const NOTHING = new Uint8Array();

/** Has a reader process check files. `place` is the path in the problem if the process does not answer. Throws SourceProblem. */
export async function readMaterial<Kind extends Job["kind"]>(
  reader: MaterialReader,
  job: Extract<Job, { readonly kind: Kind }>,
  files: readonly (Uint8Array | undefined)[],
  place: string,
): Promise<ReadMaterial<Kind>> {
  try {
    return await reader.read(
      job,
      files.map((file) => file ?? NOTHING),
    );
  } catch (error) {
    if (error instanceof MaterialRefusedError) {
      const [problem, ...warnings] = error.problems;
      if (problem !== undefined) throw new SourceProblem(problem, warnings, error);
    }
    if (error instanceof DeadlineError) {
      throw new SourceProblem(problemOf("reading-too-long", place, error.message), [], error);
    }
    if (error instanceof ReaderEndedError) {
      throw new SourceProblem(problemOf("reader-failed", place, error.message), [], error);
    }
    throw error;
  }
}
