import { readFile } from "node:fs/promises";
import { dirname, resolve } from "node:path";
import { MAX_DOCUMENT_BYTES } from "#model/document/document-size.ts";
import { withAbsolutePaths } from "#model/document/document-paths.ts";
import type { WrittenDocument } from "#model/document/written-document.ts";
import { DirectorError } from "#model/failure.ts";
import { isJsonMap } from "#model/json.ts";
import { tryOrigin, type Origin } from "./exported-text.ts";

export interface FileParts {
  /** Parses YAML or JSON. Throws an Error that says why it cannot. */
  readonly parse: (bytes: Uint8Array) => unknown;
  /** Reads all of standard input. */
  readonly readInput: () => Promise<Uint8Array>;
  /** The current folder. */
  readonly folder: string;
}

export interface DocumentOfFile {
  /** With absolute paths, and without `director`. */
  readonly document: WrittenDocument;
  readonly hadSettings: boolean;
  /** The revision that the file was exported from. */
  readonly origin: Origin | undefined;
}

/**
 * Reads a document from a file, or from standard input if `path` is `-`. Relative paths in it are relative to the folder of the
 * file; in a document from standard input, to the current folder. Rejects with `document-unreadable`, `document-empty` or
 * `body-too-large`.
 */
export async function readDocumentFile(path: string, parts: FileParts): Promise<DocumentOfFile> {
  const isInput = path === "-";
  const bytes = await (isInput ? parts.readInput() : readFile(path)).catch((cause: unknown) => {
    throw unreadable(path, cause);
  });
  if (bytes.length > MAX_DOCUMENT_BYTES) throw new DirectorError("body-too-large", path);
  const folder = isInput ? parts.folder : resolve(parts.folder, dirname(path));
  return parseDocumentBytes(bytes, path, folder, parts.parse);
}

/** `folder` is absolute. Throws `document-unreadable` or `document-empty`. */
export function parseDocumentBytes(
  bytes: Uint8Array,
  path: string,
  folder: string,
  parse: FileParts["parse"],
): DocumentOfFile {
  const value = parsed(bytes, path, parse);
  const { director, ...document } = value;
  return {
    document: withAbsolutePaths(document, folder),
    hadSettings: director !== undefined,
    origin: tryOrigin(Buffer.from(bytes).toString("utf8")),
  };
}

function parsed(bytes: Uint8Array, path: string, parse: FileParts["parse"]) {
  let value: unknown;
  try {
    value = parse(bytes);
  } catch (cause) {
    throw unreadable(path, cause);
  }
  if (isJsonMap(value)) return value;
  // An editor that has failed, or a command before a pipe, leaves an empty text. As a document it would remove everything.
  if (value === null || value === undefined) throw new DirectorError("document-empty", path);
  throw new DirectorError("document-unreadable", `${path} is not a map of keys.`);
}

function unreadable(path: string, cause: unknown): DirectorError {
  const reason = cause instanceof Error ? cause.message : String(cause);
  return new DirectorError("document-unreadable", `${path}: ${reason}`, { cause });
}
