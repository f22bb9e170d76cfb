import type { Problem } from "#model/failure.ts";
import { parseDocument } from "#model/document/parse-document.ts";
import { SyntaxProblem } from "./syntax-problem.ts";

/** The limit for the JSON of a document with its defaults, which the control process parses in one call. 10,000 vNICs need half. */
export const MAX_EFFECTIVE_CHARACTERS = 8 * 1024 * 1024;
export const TOO_MANY_EFFECTIVE_CHARACTERS = `With its defaults the document has more than ${MAX_EFFECTIVE_CHARACTERS / 1024 / 1024} MiB.`;
const MAX_PATH_LENGTH = 1_024;

export interface ParsedText {
  readonly isValid: boolean;
  readonly problems: readonly Problem[];
  /** The document with its defaults, or its draft if at least one problem is an error. */
  readonly json: string;
  /** The document without defaults. "" if at least one problem is an error. */
  readonly writtenJson: string;
}

/** Checks a document that has been parsed already. Throws SyntaxProblem if it is too large, unless it `isStored` already. */
export function parseDocumentValue(value: unknown, isStored = false): ParsedText {
  const text = checkedText(value, isStored);
  return { ...text, problems: text.problems.map(withShortPath) };
}

/** Does the same. The path of a problem may be as long as the document. */
export function checkedText(value: unknown, isStored = false): ParsedText {
  const { draft, written, problems } = parseDocument(value);
  const json = JSON.stringify(draft);
  if (json.length > MAX_EFFECTIVE_CHARACTERS && !isStored) {
    throw new SyntaxProblem(TOO_MANY_EFFECTIVE_CHARACTERS);
  }
  const writtenJson = written === undefined ? "" : JSON.stringify(written);
  return { isValid: written !== undefined, problems, json, writtenJson };
}

/** Shortens the path of a problem, because a key may be as long as the document. */
export const withShortPath = (problem: Problem): Problem =>
  problem.path.length <= MAX_PATH_LENGTH
    ? problem
    : { ...problem, path: `${problem.path.slice(0, MAX_PATH_LENGTH)}…` };
