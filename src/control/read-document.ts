import { dirname, resolve } from "node:path";
import type { Document } from "#model/document.ts";
import { DirectorError } from "#model/failure.ts";
import type { ParsedDocument } from "#model/parse-document.ts";
import { FileUnusableError, readBoundedFile } from "./read-bounded-file.ts";
import { DocumentSyntaxError, type MaterialReader } from "./reader/material-reader.ts";
import { DeadlineError, ReaderEndedError } from "./reader/reader-process.ts";

const MAX_DOCUMENT_BYTES = 16 * 1024 * 1024;

export interface ReadDocument extends ParsedDocument {
  /** Absolute; what the paths of the document are relative to. */
  readonly folder: string;
}

/**
 * Reads YAML 1.2 or JSON and checks it by itself; the files that it names are not looked at. Throws DirectorError
 * `document-unreadable`, with line and column where there are some.
 */
export async function readDocument(path: string, reader: MaterialReader): Promise<ReadDocument> {
  try {
    const { bytes } = await readBoundedFile(path, MAX_DOCUMENT_BYTES);
    const { reply, parts } = await reader.read({ kind: "document" }, [bytes]);
    const draft = JSON.parse(parts[0]?.toString("utf8") ?? "") as Document;
    return {
      document: reply.isValid ? draft : undefined,
      draft,
      problems: reply.problems,
      folder: dirname(resolve(path)),
    };
  } catch (error) {
    if (!isExpected(error)) throw error;
    throw new DirectorError("document-unreadable", `${path}: ${error.message}`, {
      cause: error,
      path,
    });
  }
}

const isExpected = (error: unknown): error is Error =>
  error instanceof FileUnusableError ||
  error instanceof DocumentSyntaxError ||
  error instanceof DeadlineError ||
  error instanceof ReaderEndedError;
