/** A revision of the document as a head of its line. */
import type { WrittenDocument } from "#model/document/written-document.ts";
import { DOCUMENT_SCHEMA, migrateDocument } from "#model/document/migrations/migrate-document.ts";
import { DirectorError } from "#model/failure.ts";
import type { RevisionRecord } from "#model/records/revision.ts";
import { resolve } from "node:path";
import type { NewRevision } from "./document-store.ts";
import { DOCUMENT_LINE } from "./document-lines.ts";
import type { Hash, Head } from "./store.ts";

/** What a head of this program has in common with every other. */
export type Origin = Pick<Head, "at" | "schema" | "writtenBy">;

export function revisionHeadOf(revision: NewRevision, root: Hash, origin: Origin): Head {
  const { parent, by, reason, cause, undoes } = revision;
  const note = {
    by,
    cause,
    ...(reason === undefined ? {} : { reason }),
    ...(undoes === undefined ? {} : { undoes }),
  };
  return {
    line: DOCUMENT_LINE,
    number: parent + 1,
    parent,
    ...origin,
    roots: { document: root },
    note,
  };
}

export function recordOf({ number, parent, at, roots, note }: Head): RevisionRecord {
  const known = note as unknown as Pick<RevisionRecord, "by" | "cause" | "reason" | "undoes">;
  return {
    revision: number,
    parent,
    at,
    by: known.by,
    ...(known.reason === undefined ? {} : { reason: known.reason }),
    cause: known.cause,
    ...(known.undoes === undefined ? {} : { undoes: known.undoes }),
    hash: rootOf(roots),
  };
}

/** Throws DirectorError `state-damaged` if the head refers to no document. */
export function rootOf(roots: Head["roots"]): Hash {
  const root = roots["document"];
  if (root === undefined) throw new DirectorError("state-damaged", "A revision has no document.");
  return root;
}

/** Throws DirectorError `state-too-new` if a newer program wrote the document in a schema that this one does not know. */
export function checkSchema({ schema, writtenBy }: Head): void {
  if (schema <= DOCUMENT_SCHEMA) return;
  const detail = `Version ${writtenBy} wrote the document in schema ${schema}, and this version knows schema ${DOCUMENT_SCHEMA}.`;
  throw new DirectorError("state-too-new", detail);
}

/** Returns the document of a head in the present schema. Relative paths of schema 1 are relative to `folder`. */
export const migrated = (
  document: WrittenDocument,
  { schema }: Head,
  folder: string,
): WrittenDocument => migrateDocument({ ...document }, schema, (path) => resolve(folder, path));
