import { resolve } from "node:path";
import { problemOf, quoted } from "#model/problem.ts";
import { pathOutside, type FoldersOf } from "#model/document/check-paths.ts";
import { FileOutsideError, FileUnusableError, type FileRead } from "../read-bounded-file.ts";
import type { ReadFile } from "./file-reads.ts";
import { SourceProblem } from "./source-problem.ts";

/** Large enough for a bundle of all public CAs. */
const MAX_SOURCE_BYTES = 4 * 1024 * 1024;

/** Where the files of a document are. */
export interface SourceFolders {
  /** The absolute path of the folder to which the paths in the document are relative. */
  readonly folder: string;
  readonly foldersOf: FoldersOf;
}

/** How the files of a document are read. */
export interface SourceFiles extends SourceFolders {
  readonly readFile: ReadFile;
}

/** The contents of one file of a certificate or CA bundle. */
export interface SourceBytes {
  readonly bytes: Buffer;
  /** Absolute; symlinks in it are not resolved. */
  readonly path: string;
  /** The signature from `readBoundedFile`. */
  readonly signature: string;
}

/** Returns the joined signatures of the files when they were read. A file that is named twice counts once. */
export function looksOf(sources: readonly (SourceBytes | undefined)[]): string {
  const files = sources.flatMap((source) =>
    source === undefined ? [] : [[source.path, source.signature] as const],
  );
  return [...new Map(files).values()].join(" ");
}

/** `place` is the path of the setting in the document. Throws SourceProblem. */
export async function readSource(
  { folder, foldersOf, readFile }: SourceFiles,
  path: string,
  place: string,
): Promise<SourceBytes> {
  const absolute = resolve(folder, path);
  const { bytes, signature } = await tryRead(
    () => readFile(absolute, MAX_SOURCE_BYTES, foldersOf(absolute)),
    { absolute, path, place },
  );
  return { bytes, signature, path: absolute };
}

async function tryRead(
  read: () => Promise<FileRead>,
  {
    absolute,
    path,
    place,
  }: { readonly absolute: string; readonly path: string; readonly place: string },
): Promise<FileRead> {
  try {
    return await read();
  } catch (error) {
    if (error instanceof FileOutsideError) {
      throw new SourceProblem(pathOutside(place, absolute), [], error);
    }
    if (!(error instanceof FileUnusableError)) throw error;
    throw new SourceProblem(
      problemOf("file-unreadable", place, `${quoted(path)} cannot be read. ${error.message}`),
      [],
      error,
    );
  }
}
