import { dirname, resolve } from "node:path";
import type { Document } from "#model/document/document.ts";
import { DirectorError } from "#model/failure.ts";
import type { ParsedDocument } from "#model/document/parse-document.ts";
import { parseDocumentText, type ParsedText } from "./parse-document-text.ts";
import { SyntaxProblem } from "./parse-yaml.ts";
import { FileUnusableError, readBoundedFile } from "./read-bounded-file.ts";
import { DocumentSyntaxError, type MaterialReader } from "./reader/material-reader.ts";
import { DeadlineError, ReaderEndedError } from "./reader/reader-process.ts";

const MAX_DOCUMENT_BYTES = 16 * 1024 * 1024;

/** What a document of this size may take does not matter before there is anything to serve, and its start would. */
const MAX_SMALL_BYTES = 8 * 1024;

export interface ReadDocument extends ParsedDocument {
  /** Absolute; what the paths of the document are relative to. */
  readonly folder: string;
}

/**
 * Reads YAML 1.2 or JSON and checks it by itself; the files that it names are not looked at. A director that serves has it
 * parsed in a reader process, whatever its size. Throws DirectorError `document-unreadable`, with line and column where
 * there are some.
 */
export async function readDocument(
  path: string,
  reader: MaterialReader,
  isServing: boolean,
): Promise<ReadDocument> {
  try {
    const { bytes } = await readBoundedFile(path, MAX_DOCUMENT_BYTES);
    const isHere = bytes.length <= MAX_SMALL_BYTES && !isServing;
    const { isValid, problems, json } = isHere
      ? parseDocumentText(bytes)
      : await readInProcess(bytes, reader);
    const draft = JSON.parse(json) as Document;
    const document = isValid ? draft : undefined;
    return { document, draft, problems, folder: dirname(resolve(path)) };
  } catch (error) {
    if (!isExpected(error)) throw error;
    throw new DirectorError("document-unreadable", `${path}: ${error.message}`, {
      cause: error,
      path,
    });
  }
}

async function readInProcess(bytes: Uint8Array, reader: MaterialReader): Promise<ParsedText> {
  const { reply, parts } = await reader.read({ kind: "document" }, [bytes]);
  return { ...reply, json: parts[0]?.toString("utf8") ?? "" };
}

const isExpected = (error: unknown): error is Error =>
  error instanceof FileUnusableError ||
  error instanceof SyntaxProblem ||
  error instanceof DocumentSyntaxError ||
  error instanceof DeadlineError ||
  error instanceof ReaderEndedError;
