import type { Problem } from "#model/failure.ts";
import { parseDocument } from "#model/document/parse-document.ts";
import { locateProblems } from "./locate-problems.ts";
import { parseYaml, SyntaxProblem } from "./parse-yaml.ts";

/** The limit for the JSON of a document with its defaults, which the control process parses in one call. 10,000 vNICs need half. */
const MAX_DOCUMENT_CHARACTERS = 8 * 1024 * 1024;
const MAX_PATH_LENGTH = 1_024;

export interface ParsedText {
  readonly isValid: boolean;
  /** With line and column. */
  readonly problems: readonly Problem[];
  /** The document with its defaults, or its draft if at least one problem is an error. */
  readonly json: string;
  /** The document without defaults. "" if at least one problem is an error. */
  readonly writtenJson: string;
}

/** Parses a document in YAML 1.2 or JSON. May take unlimited time for a hostile document. Throws SyntaxProblem. */
export function parseDocumentText(bytes: Uint8Array): ParsedText {
  const parsed = parseYaml(bytes);
  const text = checkedText(parsed.value);
  const positions = locateProblems(text.problems, parsed);
  const problems = text.problems.map((problem) => ({
    ...withShortPath(problem),
    ...positions.get(problem),
  }));
  return { ...text, problems };
}

/** Does the same for a document that has been parsed already. Its problems have no lines. */
export function parseDocumentValue(value: unknown): ParsedText {
  const text = checkedText(value);
  return { ...text, problems: text.problems.map(withShortPath) };
}

function checkedText(value: unknown): ParsedText {
  const { draft, written, problems } = parseDocument(value);
  const json = JSON.stringify(draft);
  if (json.length > MAX_DOCUMENT_CHARACTERS) {
    const limit = `${MAX_DOCUMENT_CHARACTERS / 1024 / 1024} MiB`;
    throw new SyntaxProblem(`With its defaults the document has more than ${limit}.`);
  }
  const writtenJson = written === undefined ? "" : JSON.stringify(written);
  return { isValid: written !== undefined, problems, json, writtenJson };
}

/** Returns the problems, which were found elsewhere, with their lines and columns in the document. Throws SyntaxProblem. */
export function locateInText(problems: readonly Problem[], bytes: Uint8Array): readonly Problem[] {
  const positions = locateProblems(problems, parseYaml(bytes));
  return problems.map((problem) => ({ ...problem, ...positions.get(problem) }));
}

/** Shortens the path of a problem, because a key may be as long as the document. */
const withShortPath = (problem: Problem): Problem =>
  problem.path.length <= MAX_PATH_LENGTH
    ? problem
    : { ...problem, path: `${problem.path.slice(0, MAX_PATH_LENGTH)}…` };
