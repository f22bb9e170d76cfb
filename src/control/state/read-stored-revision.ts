import { copyFileSync, existsSync, mkdtempSync, rmSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import type { StoredDocument, StoredRevision } from "./revision-store.ts";

type Read = (path: string, runtimeFolder: string) => StoredRevision | undefined;

/**
 * Reads the newest revision of a database that cannot be opened for writing. Returns undefined if the database does not exist.
 * Each way reads the write-ahead log too; SQLite's option `immutable` ignores it, and the newest revisions would be missing.
 * Throws the error of the last way if no way works.
 */
export function readStoredRevision(
  path: string,
  runtimeFolder: string,
): StoredRevision | undefined {
  if (!existsSync(path)) return undefined;
  const errors: unknown[] = [];
  for (const read of WAYS) {
    try {
      return read(path, runtimeFolder);
    } catch (error) {
      errors.push(error);
    }
  }
  throw errors.at(-1);
}

/** Works on a full disk, which has no room for the index of the log: with an exclusive lock, SQLite keeps it in memory. */
const readAlone: Read = (path) =>
  readFrom(new DatabaseSync(path), "PRAGMA locking_mode = EXCLUSIVE");

/** Works in a read-only folder that has the files of the log, because the director before was killed. */
const readBeside: Read = (path) => readFrom(new DatabaseSync(path, { readOnly: true }));

/** Works in a read-only folder without the files of the log, where SQLite does not open a database that uses one. */
const readCopy: Read = (path, runtimeFolder) => {
  const folder = mkdtempSync(join(runtimeFolder, "state-"));
  try {
    const copy = join(folder, "state.db");
    copyFileSync(path, copy);
    if (existsSync(`${path}-wal`)) copyFileSync(`${path}-wal`, `${copy}-wal`);
    return readFrom(new DatabaseSync(copy));
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
};

const WAYS: readonly Read[] = [readAlone, readBeside, readCopy];

function readFrom(database: DatabaseSync, settings = ""): StoredRevision | undefined {
  try {
    database.exec(settings);
    const table = database.prepare("SELECT 1 FROM sqlite_schema WHERE name = 'revisions'").get();
    return table === undefined ? undefined : newestOf(database);
  } finally {
    database.close();
  }
}

export function newestOf(database: DatabaseSync): StoredRevision | undefined {
  const row = database.prepare("SELECT * FROM revisions ORDER BY revision DESC LIMIT 1").get() as
    | { revision: number; document: string; saved_at: string }
    | undefined;
  return row === undefined
    ? undefined
    : {
        revision: row.revision,
        document: JSON.parse(row.document) as StoredDocument,
        savedAt: row.saved_at,
      };
}
