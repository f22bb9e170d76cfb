import { dirname, resolve } from "node:path";
import type { Document } from "yaml";
import { MAX_DOCUMENT_BYTES } from "#model/document/document-size.ts";
import { withAbsolutePaths } from "#model/document/document-paths.ts";
import type { WrittenDocument } from "#model/document/written-document.ts";
import { DirectorError } from "#model/failure.ts";
import { isJsonMap } from "#model/json.ts";
import { tryOrigin, type Origin } from "./exported-text.ts";

/** Parses YAML or JSON that was read from `path`. Throws `document-unreadable` with the line and the column. */
export type ParseFile = (bytes: Uint8Array, path: string) => ParsedFile;

export interface ParsedFile {
  /** A value that JSON can represent. */
  readonly value: unknown;
  readonly document: Document.Parsed;
}

export interface FileParts {
  readonly parse: ParseFile;
  /** Reads a regular file of at most the size of a document. Resolves to undefined if it does not exist. */
  readonly tryReadFile: (path: string) => Promise<Uint8Array | undefined>;
  /** Reads a file or a pipe, or standard input if `path` is `-`. It stops when it has more than a document may have. */
  readonly readInput: (path: string) => Promise<Uint8Array>;
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
  const bytes = await parts.readInput(path).catch((cause: unknown) => {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new DirectorError("document-unreadable", `${path}: ${reason}`, { cause });
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
  parse: ParseFile,
): DocumentOfFile {
  const { value } = parse(bytes, path);
  // An editor that has failed, or a command before a pipe, leaves an empty text. As a document it would remove everything.
  if (value === null) throw new DirectorError("document-empty", path);
  if (!isJsonMap(value)) {
    throw new DirectorError("document-unreadable", `${path} is not a map of keys.`);
  }
  const { director, ...document } = value;
  return {
    document: withAbsolutePaths(document, folder),
    hadSettings: director !== undefined,
    origin: tryOrigin(textOf(bytes)),
  };
}

/** Returns the text without a byte order mark. The bytes have been parsed, so they are UTF-8. */
export const textOf = (bytes: Uint8Array): string => new TextDecoder().decode(bytes);
