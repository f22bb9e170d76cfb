import { isDeepStrictEqual } from "node:util";
import type { WrittenDocument } from "#model/document/written-document.ts";

export interface Candidates {
  /** The document of the file now. Undefined if the director has no file. */
  readonly file: WrittenDocument | undefined;
  /** The document of the file as it was last applied. Undefined if that is not known. */
  readonly applied: WrittenDocument | undefined;
  /** The document in the store. Undefined if the store is empty. */
  readonly stored: WrittenDocument | undefined;
}

/**
 * - `equal`: file and store have the same document.
 * - `apply-file`: only the file has changed since it was last applied.
 * - `serve-stored`: only the store has changed since, or there is no file.
 * - `diverged`: both have changed since, in different ways.
 */
export type Decision = "equal" | "apply-file" | "serve-stored" | "diverged";

/** Decides which document is served if the file and the store may differ. See docs/decisions/0036-file-and-store.md. */
export function decideDocument({ file, applied, stored }: Candidates): Decision {
  if (file === undefined) return "serve-stored";
  if (stored === undefined) return "apply-file";
  if (isDeepStrictEqual(file, stored)) return "equal";
  // A store of a version that did not note the file always had the document of the file.
  const base = applied ?? stored;
  if (isDeepStrictEqual(stored, base)) return "apply-file";
  if (isDeepStrictEqual(file, base)) return "serve-stored";
  return "diverged";
}
