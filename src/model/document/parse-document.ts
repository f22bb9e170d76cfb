import { checkDocument } from "./check-document.ts";
import { fillDefaults, repair } from "./conform.ts";
import { DocumentSchema, type Document } from "./document.ts";
import type { Problem } from "../failure.ts";
import { fits } from "./fits.ts";
import { followUpsOf } from "./follow-ups.ts";
import { isError } from "../problem.ts";
import { checkSchema, MAX_PROBLEMS } from "./schema-problems.ts";
import { writtenOf, type WrittenDocument } from "./written-document.ts";

export interface ParsedDocument {
  /** The document with all defaults. Undefined if a problem is an error. */
  readonly document: Document | undefined;
  /** The normal form of the document without defaults. Undefined if a problem is an error. */
  readonly written: WrittenDocument | undefined;
  /**
   * The parts of the document that fit the schema, with defaults for the rest. It is used only to find more problems.
   */
  readonly draft: Document;
  readonly problems: readonly Problem[];
}

/**
 * Parses a value that was read from YAML, JSON or a request. Never throws. Freezes the parts of the value, because what is computed from a
 * part is kept for the next document that has the same part.
 */
export function parseDocument(value: unknown): ParsedDocument {
  const filled = fillDefaults(DocumentSchema, value);
  const { problems: schemaProblems, meant } = checkSchema(DocumentSchema, filled);
  if (schemaProblems.length === 0) return checkedByRules(filled as Document, value);
  // The rules check a document in which values that do not fit are replaced, so that one check reports all problems.
  // Problems of the replacements are left out.
  const draft = repair(DocumentSchema, filled) as Document;
  const isFollowUp = followUpsOf(schemaProblems, meant);
  const ruleProblems = checkDocument(draft).filter((problem) => !isFollowUp(problem));
  const problems = [...schemaProblems, ...ruleProblems].slice(0, MAX_PROBLEMS);
  return { document: undefined, written: undefined, draft, problems };
}

/**
 * Does the same for a document that fits the schema, and returns undefined for any other. It takes as long as the parts that were not
 * parsed before.
 */
export function tryParseFitting(value: unknown): ParsedDocument | undefined {
  const filled = fillDefaults(DocumentSchema, value);
  return fits(DocumentSchema, filled) ? checkedByRules(filled as Document, value) : undefined;
}

function checkedByRules(document: Document, value: unknown): ParsedDocument {
  const problems = limited(checkDocument(document));
  return problems.some(isError)
    ? { document: undefined, written: undefined, draft: document, problems }
    : { document, written: writtenOf(value), draft: document, problems };
}

/**
 * Limits the number of problems. Warnings are dropped first, so that a document with an error is never taken for a
 * valid one.
 */
function limited(problems: readonly Problem[]): readonly Problem[] {
  if (problems.length <= MAX_PROBLEMS) return problems;
  const warnings = problems.filter((problem) => !isError(problem));
  return [...problems.filter(isError), ...warnings].slice(0, MAX_PROBLEMS);
}
