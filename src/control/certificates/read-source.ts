import { resolve } from "node:path";
import { problemOf, quoted } from "#model/problem.ts";
import type { Problem } from "#model/failure.ts";
import { FileUnusableError, readBoundedFile, type FileRead } from "../read-bounded-file.ts";
import type { SourceFile } from "./sources.ts";

/** Room for a bundle of every public CA. */
const MAX_SOURCE_BYTES = 4 * 1024 * 1024;

/** A problem that ends the reading of a certificate or CA. Never holds any part of a file. */
export class SourceProblem extends Error {
  override readonly name = "SourceProblem";
  readonly problem: Problem;

  constructor(problem: Problem, cause?: unknown) {
    super(problem.message, { cause });
    this.problem = problem;
  }
}

/** One of the files that a certificate or CA is read from. */
export interface SourceText {
  readonly text: string;
  readonly file: SourceFile;
}

/** `place` is where the path stands in the document. Throws SourceProblem. */
export async function readSource(folder: string, path: string, place: string): Promise<SourceText> {
  const absolute = resolve(folder, path);
  const { bytes, signature } = await read(absolute, path, place);
  // PEM is ASCII; what is not shows as characters that no block has.
  return { text: bytes.toString("latin1"), file: { path: absolute, signature } };
}

async function read(absolute: string, path: string, place: string): Promise<FileRead> {
  try {
    return await readBoundedFile(absolute, MAX_SOURCE_BYTES);
  } catch (error) {
    const sentence = error instanceof FileUnusableError ? error.message : "It cannot be read.";
    throw new SourceProblem(
      problemOf("file-unreadable", place, `The file ${quoted(path)} cannot be used: ${sentence}`),
      error,
    );
  }
}
