import { resolve } from "node:path";
import { problemOf, quoted } from "#model/problem.ts";
import { FileUnusableError, readBoundedFile, type FileRead } from "../read-bounded-file.ts";
import { SourceProblem } from "./source-problem.ts";

/** Large enough for a bundle of all public CAs. */
const MAX_SOURCE_BYTES = 4 * 1024 * 1024;

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
  folder: string,
  path: string,
  place: string,
): Promise<SourceBytes> {
  const absolute = resolve(folder, path);
  const { bytes, signature } = await read(absolute, path, place);
  return { bytes, signature, path: absolute };
}

async function read(absolute: string, path: string, place: string): Promise<FileRead> {
  try {
    return await readBoundedFile(absolute, MAX_SOURCE_BYTES);
  } catch (error) {
    if (!(error instanceof FileUnusableError)) throw error;
    throw new SourceProblem(
      problemOf("file-unreadable", place, `${quoted(path)} cannot be read. ${error.message}`),
      [],
      error,
    );
  }
}
