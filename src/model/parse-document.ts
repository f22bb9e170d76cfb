import { checkDocument } from "./check-document.ts";
import { fillDefaults, repair } from "./conform.ts";
import { DocumentSchema, type Document } from "./document.ts";
import type { Problem } from "./failure.ts";
import { isError } from "./problem.ts";
import { MAX_PROBLEMS, schemaProblemsOf } from "./schema-problems.ts";

export interface ParsedDocument {
  /** With every default. Undefined if a problem is an error. */
  readonly document: Document | undefined;
  /** What of it can be read, with defaults in the place of misfits: only for looking for further problems. */
  readonly draft: Document;
  readonly problems: readonly Problem[];
}

/** The document in a value that was read from YAML, JSON or a request. Throws nothing; the value is not changed. */
export function parseDocument(value: unknown): ParsedDocument {
  const filled = fillDefaults(DocumentSchema, value);
  const schemaProblems = schemaProblemsOf(DocumentSchema, filled);
  if (schemaProblems.length === 0) {
    const document = filled as Document;
    const problems = checkDocument(document).slice(0, MAX_PROBLEMS);
    return { document: problems.some(isError) ? undefined : document, draft: document, problems };
  }
  // The rules see a document whose misfits are replaced, so that all problems show at once; what they say of a
  // replacement is left out.
  const draft = repair(DocumentSchema, filled) as Document;
  const ruleProblems = checkDocument(draft);
  const isOwn = ({ path }: Problem): boolean =>
    !schemaProblems.some(
      (misfit) => isWithin(path, scopeOf(misfit)) || misfit.path.startsWith(`${path}[`),
    );
  const problems = [...schemaProblems, ...ruleProblems.filter(isOwn)].slice(0, MAX_PROBLEMS);
  return { document: undefined, draft, problems };
}

/** The rules of a listener depend on its mode. */
const scopeOf = ({ path }: Problem): string =>
  /\.listeners\[\d+\]\.mode$/.test(path) ? path.slice(0, -".mode".length) : path;

const isWithin = (path: string, scope: string): boolean =>
  path.startsWith(scope) && /^($|[.[])/.test(path.slice(scope.length));
