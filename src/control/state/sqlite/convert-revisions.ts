/**
 * Converts the table `revisions` of layout 1, which has a whole document in each row, into heads and values. Each step is one
 * transaction that also deletes the rows, so it can be interrupted anywhere.
 */
import type { DatabaseSync } from "node:sqlite";
import { DirectorError } from "#model/failure.ts";
import type { WrittenDocument } from "#model/document/written-document.ts";
import { entriesOf } from "../document-entries.ts";
import { DOCUMENT_LINE, FILE_LINE } from "../document-lines.ts";
import { UNREFERENCED_MS, type Head } from "../store.ts";
import { buildTree } from "../tree/content-tree.ts";
import { entryHashesOf, partsOf } from "../tree/entry-text.ts";
import { inTransaction, insertHead, insertValues } from "./statements.ts";

interface Row {
  readonly revision: number;
  readonly document: string;
  readonly saved_at: string;
}

/**
 * Converts the newest row, unless there are heads already. The document also becomes the one of the file, because the program
 * that wrote it took documents from the file only. `source` may be another database, which is then only read.
 */
export function convertNewest(source: DatabaseSync, target: DatabaseSync): void {
  const { count } = target.prepare("SELECT count(*) AS count FROM heads").get() ?? {};
  if (count !== 0) return;
  const row = tryNewest(source);
  if (row === undefined) return;
  const head = convertRow(row, source, target);
  insertHead(target, { ...head, line: FILE_LINE, number: 1, parent: 0 });
  if (source === target) deleteRow(target, row);
}

/** Converts the newest row that is left. When it returns false, there was none and the table is gone. */
export function convertStep(database: DatabaseSync): boolean {
  // A step that a power failure takes back is done again, so it does not wait for the disk.
  database.exec("PRAGMA synchronous = NORMAL");
  try {
    return inTransaction(database, () => {
      const row = tryNewest(database);
      if (row === undefined) {
        database.exec("DROP TABLE revisions");
        return false;
      }
      convertRow(row, database, database);
      deleteRow(database, row);
      return true;
    });
  } finally {
    database.exec("PRAGMA synchronous = FULL");
  }
}

const tryNewest = (database: DatabaseSync): Row | undefined =>
  database.prepare("SELECT * FROM revisions ORDER BY revision DESC LIMIT 1").get() as
    | Row
    | undefined;

function deleteRow(database: DatabaseSync, { revision }: Row): void {
  database.prepare("DELETE FROM revisions WHERE revision = ?").run(revision);
}

function convertRow(
  { revision, document, saved_at }: Row,
  source: DatabaseSync,
  target: DatabaseSync,
): Head {
  const entries = entriesOf(parsed(document, revision));
  const items = new Map([...entries].map(([key, text]) => [key, entryHashesOf(text)]));
  const { root, nodes } = buildTree(items);
  const values = [...[...entries.values()].flatMap(partsOf), ...nodes.values()];
  insertValues(target, values, Date.now(), UNREFERENCED_MS / 2);
  const head: Head = {
    line: DOCUMENT_LINE,
    number: revision,
    parent: parentOf(source, revision),
    at: saved_at,
    roots: { document: root },
    schema: 1,
    writtenBy: "0.1.0",
    note: { by: { origin: "start" }, cause: "change" },
  };
  insertHead(target, head);
  return head;
}

function parentOf(source: DatabaseSync, revision: number): number {
  const before = source
    .prepare("SELECT max(revision) AS revision FROM revisions WHERE revision < ?")
    .get(revision);
  return Number(before?.["revision"] ?? 0);
}

function parsed(document: string, revision: number): WrittenDocument {
  try {
    return JSON.parse(document) as WrittenDocument;
  } catch (cause) {
    throw new DirectorError("state-damaged", `Revision ${revision} cannot be read.`, { cause });
  }
}
