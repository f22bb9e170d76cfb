import { MAX_DOCUMENT_CHARACTERS, TOO_MANY_CHARACTERS } from "#model/document/document-size.ts";
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
  async (bytes, isDocument) => {
    try {
      const { reply, parts } = await reader.read({ kind: "json" }, [bytes]);
      const json = String(parts[0]);
      if (isDocument && json.length > MAX_DOCUMENT_CHARACTERS) {
        throw new DirectorError("document-too-large", TOO_MANY_CHARACTERS);
      }
      return reply.isEmpty ? undefined : JSON.parse(json);
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
  return error instanceof DeadlineError || error instanceof ReaderEndedError
    ? new DirectorError("check-failed", error.message, { cause: error })
    : error;
}
