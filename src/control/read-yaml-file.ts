/** What commands read that need a file as it is written. `readDocument` reads one to check it. */
import { MAX_DOCUMENT_BYTES } from "#model/document/document-size.ts";
import { errorCodeOf } from "#model/error-code.ts";
import { DirectorError } from "#model/failure.ts";
import { parseYaml, type ParsedYaml } from "./parse-yaml.ts";
import { FileUnusableError, readBoundedFile } from "./read-bounded-file.ts";
import { SyntaxProblem } from "./syntax-problem.ts";
import { unreadableDocument } from "./unreadable-document.ts";

/** Reads a regular file. Rejects with `document-unreadable`. */
export async function readYamlFile(path: string): Promise<Uint8Array> {
  try {
    return (await readBoundedFile(path, MAX_DOCUMENT_BYTES)).bytes;
  } catch (error) {
    if (!(error instanceof FileUnusableError)) throw error;
    throw unreadableDocument(path, error);
  }
}

/** Does the same, but resolves to undefined if the file does not exist. */
export async function tryReadYamlFile(path: string): Promise<Uint8Array | undefined> {
  try {
    return await readYamlFile(path);
  } catch (error) {
    if (isMissing(error)) return undefined;
    throw error;
  }
}

const isMissing = (error: unknown): boolean =>
  error instanceof DirectorError &&
  error.cause instanceof FileUnusableError &&
  errorCodeOf(error.cause.cause) === "ENOENT";

/** Parses YAML 1.2 or JSON that was read from `path`. Throws `document-unreadable`. */
export function parseYamlFile(bytes: Uint8Array, path: string): ParsedYaml {
  try {
    return parseYaml(bytes);
  } catch (error) {
    if (!(error instanceof SyntaxProblem)) throw error;
    throw unreadableDocument(path, error);
  }
}
