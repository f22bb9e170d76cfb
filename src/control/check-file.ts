import { resolve } from "node:path";
import type { DirectorSettings, Document } from "#model/document/document.ts";
import { DirectorError, type Problem } from "#model/failure.ts";
import { checkUse } from "#model/document/check-use.ts";
import { parseDocument, type ParsedDocument } from "#model/document/parse-document.ts";
import { isError } from "#model/problem.ts";
import { checkCertificateUsage } from "./certificates/check-certificate-usage.ts";
import { checkKeyTypes } from "./certificates/check-key-types.ts";
import { checkTrustRoots } from "./certificates/check-trust-roots.ts";
import { loadSources } from "./certificates/load-sources.ts";
import type { Sources } from "./certificates/sources.ts";
import { checkOwnSocket } from "./check-own-socket.ts";
import { readDocument, type ReadDocument } from "./read-document.ts";
import type { MaterialReader } from "./reader/material-reader.ts";
import { ownFoldersOf, wantedFoldersOf, type WantedFolders } from "./state/wanted-folders.ts";

export interface CheckedDocument {
  /** Undefined if a problem is an error. */
  readonly document: Document | undefined;
  /** Absolute; what the paths of the document are relative to. */
  readonly folder: string;
  /** Undefined with the document. */
  readonly sources: Sources | undefined;
  readonly problems: readonly Problem[];
}

export interface CheckOptions {
  /** What a director that serves has, as for `loadSources`. */
  readonly lastGood?: Sources | undefined;
  /** The folders that a command line gives the director; without it those of the document alone. */
  readonly wantedFolders?: (settings: DirectorSettings, folder: string) => WantedFolders;
}

const foldersOfDocument = (settings: DirectorSettings, folder: string): WantedFolders =>
  wantedFoldersOf({ dataPath: undefined, runtimePath: undefined }, settings, folder, {});

/**
 * The document in a file and everything that it names, with all problems at once; a file that cannot be read is a problem
 * with an empty path.
 */
export async function checkFile(
  path: string,
  reader: MaterialReader,
  options: CheckOptions = {},
): Promise<CheckedDocument> {
  const folder = resolve(path, "..");
  const read = await tryReadDocument(path, reader, options.lastGood !== undefined);
  if ("problem" in read) {
    return { document: undefined, folder, sources: undefined, problems: [read.problem] };
  }
  return checkRead(read, folder, reader, options);
}

/** The same for a document that was not read from a file. */
export function checkValue(
  value: unknown,
  folder: string,
  reader: MaterialReader,
  options: CheckOptions = {},
): Promise<CheckedDocument> {
  return checkRead(parseDocument(value), folder, reader, options);
}

async function checkRead(
  { document, draft, problems }: ParsedDocument,
  folder: string,
  reader: MaterialReader,
  options: CheckOptions,
): Promise<CheckedDocument> {
  const checked = await checkSources(draft, folder, reader, options);
  const isNew = ({ path: place }: Problem): boolean =>
    !problems.some((problem) => problem.path === place);
  const unused = document === undefined ? [] : checkUse(document);
  const all = [...problems, ...checked.problems.filter(isNew), ...unused];
  return document === undefined || all.some(isError)
    ? { document: undefined, folder, sources: undefined, problems: all }
    : { document, folder, sources: checked.sources, problems: all };
}

/** The rules that need the files that a document names, or its folder. */
async function checkSources(
  document: Document,
  folder: string,
  reader: MaterialReader,
  { lastGood, wantedFolders = foldersOfDocument }: CheckOptions,
): Promise<{ readonly sources: Sources; readonly problems: readonly Problem[] }> {
  const { sources, problems } = await loadSources(document, folder, reader, lastGood);
  return {
    sources,
    problems: [
      ...problems,
      ...checkKeyTypes(document, sources),
      ...checkCertificateUsage(document, sources),
      ...checkTrustRoots(document, sources),
      ...checkOwnSocket(document, ownFoldersOf(wantedFolders(document.director, folder))),
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
