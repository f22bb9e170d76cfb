import { DirectorError } from "#model/failure.ts";
import { SourceProblem } from "#control/certificates/source-problem.ts";
import { SyntaxProblem } from "#control/syntax-problem.ts";
import {
  DocumentSyntaxError,
  MaterialRefusedError,
  type MaterialReader,
} from "#control/reader/material-reader.ts";
import { DeadlineError, ReaderEndedError } from "#control/reader/reader-process.ts";
import type { ReadLargeBody } from "./parse-body.ts";

/** Returns a function that parses bodies in the processes of a reader. */
export const largeBodiesIn =
  (reader: MaterialReader): ReadLargeBody =>
  async (bytes) => {
    try {
      const { reply, parts } = await reader.read({ kind: "json" }, [bytes]);
      return reply.isEmpty ? undefined : JSON.parse(String(parts[0]));
    } catch (error) {
      throw problemOf(error);
    }
  };

function problemOf(error: unknown): unknown {
  if (error instanceof DocumentSyntaxError) return new SyntaxProblem(error.message);
  if (error instanceof MaterialRefusedError) {
    const [first] = error.problems;
    return first === undefined ? error : new SourceProblem(first);
  }
  if (error instanceof DeadlineError) {
    return new DirectorError("bad-request", "Parsing the body took too long.", { cause: error });
  }
  return error instanceof ReaderEndedError
    ? new DirectorError("system-exhausted", error.message, { cause: error })
    : error;
}
