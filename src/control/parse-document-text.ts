import type { Problem } from "#model/failure.ts";
import { parseDocument } from "#model/document/parse-document.ts";
import { parseYaml, SyntaxProblem } from "./parse-yaml.ts";

/** With its defaults; ten thousand vNICs take half of it, and the control process has to read it in one go. */
const MAX_DOCUMENT_CHARACTERS = 8 * 1024 * 1024;
const MAX_PATH_LENGTH = 1_024;

export interface ParsedText {
  readonly isValid: boolean;
  readonly problems: readonly Problem[];
  /** The document with its defaults; its draft where a problem is an error. */
  readonly json: string;
}

/** A document in YAML 1.2 or JSON. Throws SyntaxProblem. It may take any time. */
export function parseDocumentText(bytes: Uint8Array): ParsedText {
  const { document, draft, problems } = parseDocument(parseYaml(bytes));
  const json = JSON.stringify(draft);
  if (json.length > MAX_DOCUMENT_CHARACTERS) {
    const limit = `${MAX_DOCUMENT_CHARACTERS / 1024 / 1024} MiB`;
    throw new SyntaxProblem(`With its defaults the document has more than ${limit}.`);
  }
  return { isValid: document !== undefined, problems: problems.map(withShortPath), json };
}

/** A key may be as long as the document. */
const withShortPath = (problem: Problem): Problem =>
  problem.path.length <= MAX_PATH_LENGTH
    ? problem
    : { ...problem, path: `${problem.path.slice(0, MAX_PATH_LENGTH)}…` };
