import type { Problem } from "#model/failure.ts";
import { parseDocument } from "#model/document/parse-document.ts";
import { parseYaml, SyntaxProblem } from "./parse-yaml.ts";

/** The limit for the JSON of a document with its defaults, which the control process parses in one call. 10,000 vNICs need half. */
const MAX_DOCUMENT_CHARACTERS = 8 * 1024 * 1024;
const MAX_PATH_LENGTH = 1_024;

export interface ParsedText {
  readonly isValid: boolean;
  readonly problems: readonly Problem[];
  /** The document with its defaults, or its draft if at least one problem is an error. */
  readonly json: string;
  /** The document as written. Undefined if at least one problem is an error. */
  readonly writtenJson: string | undefined;
}

/** Parses a document in YAML 1.2 or JSON. May take unlimited time for a hostile document. Throws SyntaxProblem. */
export function parseDocumentText(bytes: Uint8Array): ParsedText {
  const { document, written, draft, problems } = parseDocument(parseYaml(bytes));
  const json = JSON.stringify(draft);
  if (json.length > MAX_DOCUMENT_CHARACTERS) {
    const limit = `${MAX_DOCUMENT_CHARACTERS / 1024 / 1024} MiB`;
    throw new SyntaxProblem(`With its defaults the document has more than ${limit}.`);
  }
  const writtenJson = written === undefined ? undefined : JSON.stringify(written);
  const isValid = document !== undefined;
  return { isValid, problems: problems.map(withShortPath), json, writtenJson };
}

/** Shortens the path of a problem, because a key may be as long as the document. */
const withShortPath = (problem: Problem): Problem =>
  problem.path.length <= MAX_PATH_LENGTH
    ? problem
    : { ...problem, path: `${problem.path.slice(0, MAX_PATH_LENGTH)}…` };
