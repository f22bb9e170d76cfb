import { resolve } from "node:path";
import type { Document } from "#model/document.ts";
import { DirectorError, type Problem } from "#model/failure.ts";
import { parseDocument, type ParsedDocument } from "#model/parse-document.ts";
import { isError } from "#model/problem.ts";
import { checkKeyTypes } from "./certificates/check-key-types.ts";
import { loadSources } from "./certificates/load-sources.ts";
import type { Sources } from "./certificates/sources.ts";
import { checkOwnSocket } from "./check-own-socket.ts";
import { readDocument, type ReadDocument } from "./read-document.ts";
import type { MaterialReader } from "./reader/material-reader.ts";

export interface CheckedFile {
  /** Undefined if a problem is an error. */
  readonly document: Document | undefined;
  /** Absolute; what the paths of the document are relative to. */
  readonly folder: string;
  /** Undefined with the document. */
  readonly sources: Sources | undefined;
  readonly problems: readonly Problem[];
}

/**
 * The document in a file and everything that it names, with all problems at once; a file that cannot be read is a problem
 * with an empty path. `lastGood`, which a director that serves has, is as for `loadSources`.
 */
export async function checkFile(
  path: string,
  reader: MaterialReader,
  lastGood?: Sources,
): Promise<CheckedFile> {
  const folder = resolve(path, "..");
  const read = await tryReadDocument(path, reader, lastGood !== undefined);
  if ("problem" in read) {
    return { document: undefined, folder, sources: undefined, problems: [read.problem] };
  }
  return checkRead(read, folder, reader, lastGood);
}

/** The same for a document that was not read from a file. */
export function checkValue(
  value: unknown,
  folder: string,
  reader: MaterialReader,
): Promise<CheckedFile> {
  return checkRead(parseDocument(value), folder, reader);
}

async function checkRead(
  { document, draft, problems }: ParsedDocument,
  folder: string,
  reader: MaterialReader,
  lastGood?: Sources,
): Promise<CheckedFile> {
  const checked = await checkSources(draft, folder, reader, lastGood);
  const isNew = ({ path: place }: Problem): boolean =>
    !problems.some((problem) => problem.path === place);
  const all = [...problems, ...checked.problems.filter(isNew)];
  return document === undefined || all.some(isError)
    ? { document: undefined, folder, sources: undefined, problems: all }
    : { document, folder, sources: checked.sources, problems: all };
}

/** The rules that need the files that a document names, or its folder. */
async function checkSources(
  document: Document,
  folder: string,
  reader: MaterialReader,
  lastGood?: Sources,
): Promise<{ readonly sources: Sources; readonly problems: readonly Problem[] }> {
  const { sources, problems } = await loadSources(document, folder, reader, lastGood);
  return {
    sources,
    problems: [
      ...problems,
      ...checkKeyTypes(document, sources),
      ...checkOwnSocket(document, folder),
    ],
  };
}

async function tryReadDocument(
  path: string,
  reader: MaterialReader,
  isServing: boolean,
): Promise<ReadDocument | { readonly problem: Problem }> {
  try {
    return await readDocument(path, reader, isServing);
  } catch (error) {
    if (!(error instanceof DirectorError)) throw error;
    const { message, hint } = error.toShape();
    return { problem: { path: "", code: error.code, message, hint, severity: "error" } };
  }
}
