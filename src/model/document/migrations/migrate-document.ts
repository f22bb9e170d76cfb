import type { JsonMap } from "../../json.ts";
import type { WrittenDocument } from "../written-document.ts";
import { fromSchema1 } from "./from-schema-1.ts";
import { withoutZeroTimeouts } from "./without-zero-timeouts.ts";

/** The schema of the documents that this version stores. It is that of `WrittenDocument`, with sealed secrets. */
export const DOCUMENT_SCHEMA = 3;
/** The same documents, with secrets that are not sealed. */
export const UNSEALED_SCHEMA = 2;

/**
 * Returns a stored document of an earlier schema in the present one. `absolutePathOf` resolves the paths of schema 1, which are
 * relative to the folder of the file of the document. Throws RangeError if the schema is unknown.
 */
export function migrateDocument(
  document: JsonMap,
  schema: number,
  absolutePathOf: (path: string) => string,
): WrittenDocument {
  if (schema === DOCUMENT_SCHEMA || schema === UNSEALED_SCHEMA)
    return withoutZeroTimeouts(document);
  if (schema === 1) return withoutZeroTimeouts(fromSchema1(document, absolutePathOf));
  throw new RangeError(`Schema ${schema} of the document is unknown.`);
}
