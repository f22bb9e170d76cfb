import { FAILURES } from "#model/failure-catalog.ts";
import { DirectorError, type Problem } from "#model/failure.ts";
import type { Position } from "#model/problem.ts";

/** Returns `document-unreadable` with one problem, which has the line and the column if `error` has them. */
export function unreadableDocument(
  path: string,
  error: Error & { readonly position?: Position | undefined },
): DirectorError {
  const code = "document-unreadable";
  const { position } = error;
  const place = position === undefined ? path : `${path}:${position.line}:${position.column}`;
  const { hint } = FAILURES[code];
  const problem: Problem = {
    ...{ path: "", code, message: error.message, hint, severity: "error", file: path },
    ...position,
  };
  const rest = { cause: error, path, problems: [problem] };
  return new DirectorError(code, `${place}: ${error.message}`, rest);
}
