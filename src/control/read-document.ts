import { dirname, resolve } from "node:path";
import {
  MAX_DOCUMENT_BYTES,
  MAX_DOCUMENT_CHARACTERS,
  TOO_MANY_CHARACTERS,
} from "#model/document/document-size.ts";
import type { Document } from "#model/document/document.ts";
import { MAX_PROBLEMS } from "#model/document/schema-problems.ts";
import type { WrittenDocument } from "#model/document/written-document.ts";
import { DirectorError, type Problem } from "#model/failure.ts";
import {
  parseDocument,
  tryParseFitting,
  type ParsedDocument,
} from "#model/document/parse-document.ts";
import { isJsonMap } from "#model/json.ts";
import { charactersOf, type DocumentCharacters } from "./known-parts.ts";
import {
  MAX_EFFECTIVE_CHARACTERS,
  TOO_MANY_EFFECTIVE_CHARACTERS,
  withShortPath,
  type ParsedText,
} from "./parse-document-value.ts";
import { SyntaxProblem } from "./syntax-problem.ts";
import { FileUnusableError, readBoundedFile } from "./read-bounded-file.ts";
import { DocumentSyntaxError, type MaterialReader } from "./reader/material-reader.ts";
import { DeadlineError, ReaderEndedError } from "./reader/reader-process.ts";
import { unreadableDocument } from "./unreadable-document.ts";

/** A document of this size is checked in a few hundredths of a second. */
const MAX_CHARACTERS_HERE = 64 * 1024;

/** Before the director serves, a document up to this size is parsed in this process, which saves the start of a reader process. */
const MAX_SMALL_BYTES = 8 * 1024;

export interface ReadDocument extends ParsedDocument {
  /** The absolute path of the folder to which the paths in the document are relative. */
  readonly folder: string;
  /**
   * Returns problems that were found later, with the file and their lines and columns in the text that was read. Problems that
   * have a file already stay as they are.
   */
  readonly locate: (problems: readonly Problem[]) => Promise<readonly Problem[]>;
}

/**
 * Reads a document in YAML 1.2 or JSON and checks it without the files that it names. A director that serves always parses it in
 * a reader process. Throws DirectorError `document-unreadable` with one problem, which has the line and column of a syntax error, or
 * `check-failed` if the process fails.
 */
export async function readDocument(
  path: string,
  reader: MaterialReader,
  isServing: boolean,
): Promise<ReadDocument> {
  try {
    const { bytes } = await readBoundedFile(path, MAX_DOCUMENT_BYTES);
    const isHere = bytes.length <= MAX_SMALL_BYTES && !isServing;
    // The parser of YAML takes time to load, which most control processes never need.
    const here = isHere ? await import("./parse-document-text.ts") : undefined;
    const text = here?.parseDocumentText(bytes) ?? (await readInProcess(bytes, "yaml", reader));
    if (text.writtenJson.length > MAX_DOCUMENT_CHARACTERS) {
      throw new SyntaxProblem(TOO_MANY_CHARACTERS);
    }
    const parsed = parsedOf(text);
    const locate = async (later: readonly Problem[]): Promise<readonly Problem[]> => {
      const unplaced = later.filter(({ file }) => file === undefined).slice(0, MAX_PROBLEMS);
      if (unplaced.length === 0) return later;
      const found =
        here?.locateInText(unplaced, bytes) ?? (await locateInProcess(unplaced, bytes, reader));
      const placed = new Map(unplaced.map((problem, at) => [problem, found[at] ?? problem]));
      return later.map((problem) => inFile(placed.get(problem) ?? problem, path));
    };
    return {
      ...parsed,
      problems: parsed.problems.map((problem) => inFile(problem, path)),
      folder: dirname(resolve(path)),
      locate,
    };
  } catch (error) {
    if (!isExpected(error)) throw error;
    if (error instanceof DeadlineError || error instanceof ReaderEndedError) {
      throw new DirectorError("check-failed", `${path}: ${error.message}`, { cause: error });
    }
    throw unreadableDocument(path, error);
  }
}

const inFile = (problem: Problem, path: string): Problem => ({ ...problem, file: path });

/**
 * Checks a document that is a value already. That of a large one takes a second, and the control process has other work, so a
 * reader process does it, unless most parts of the document were parsed here before. A document that `isStored` may be of any size,
 * because it was accepted before. Rejects with DirectorError `document-too-large`, or `check-failed` if the process fails.
 */
export async function parseLargeDocument(
  value: unknown,
  reader: MaterialReader,
  isStored = false,
): Promise<ParsedDocument> {
  const characters = isJsonMap(value) ? charactersOf(value) : sizeOf(JSON.stringify(value) ?? "");
  if (characters.all <= MAX_CHARACTERS_HERE) return parseDocument(value);
  if (characters.all > MAX_DOCUMENT_CHARACTERS && !isStored) {
    throw new DirectorError("document-too-large", TOO_MANY_CHARACTERS);
  }
  const known =
    characters.unknown <= MAX_CHARACTERS_HERE ? tryParseKnown(value, isStored) : undefined;
  if (known !== undefined) return known;
  const json = JSON.stringify(value);
  try {
    const format = isStored ? "stored" : "json";
    return parsedOf(await readInProcess(Buffer.from(json), format, reader));
  } catch (error) {
    if (!isExpected(error)) throw error;
    const code = error instanceof DocumentSyntaxError ? "document-too-large" : "check-failed";
    throw new DirectorError(code, error.message, { cause: error });
  }
}

const sizeOf = ({ length }: string): DocumentCharacters => ({ all: length, unknown: length });

/** Returns undefined if the document does not fit the schema. Only a reader process has the time to say why. */
function tryParseKnown(value: unknown, isStored: boolean): ParsedDocument | undefined {
  const parsed = tryParseFitting(value);
  if (parsed === undefined) return undefined;
  if (!isStored && charactersOf(parsed.draft).all > MAX_EFFECTIVE_CHARACTERS) {
    throw new DirectorError("document-too-large", TOO_MANY_EFFECTIVE_CHARACTERS);
  }
  return { ...parsed, problems: parsed.problems.map(withShortPath) };
}

function parsedOf({ isValid, problems, json, writtenJson }: ParsedText): ParsedDocument {
  const draft = JSON.parse(json) as Document;
  const document = isValid ? draft : undefined;
  const written = isValid ? (JSON.parse(writtenJson) as WrittenDocument) : undefined;
  return { document, written, draft, problems };
}

async function readInProcess(
  bytes: Uint8Array,
  format: "yaml" | "json" | "stored",
  reader: MaterialReader,
): Promise<ParsedText> {
  const { reply, parts } = await reader.read({ kind: "document", format }, [bytes]);
  const [json = "", writtenJson = ""] = parts.map((part) => part.toString("utf8"));
  return { ...reply, json, writtenJson };
}

/** Returns the problems without places if they cannot be found in time. */
async function locateInProcess(
  problems: readonly Problem[],
  bytes: Uint8Array,
  reader: MaterialReader,
): Promise<readonly Problem[]> {
  try {
    const { reply } = await reader.read({ kind: "places", problems }, [bytes]);
    return reply.problems;
  } catch (error) {
    if (!isExpected(error)) throw error;
    return problems;
  }
}

const isExpected = (error: unknown): error is Error =>
  error instanceof FileUnusableError ||
  error instanceof SyntaxProblem ||
  error instanceof DocumentSyntaxError ||
  error instanceof DeadlineError ||
  error instanceof ReaderEndedError;
