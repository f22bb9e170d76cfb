import { copyFileSync, existsSync, mkdtempSync, rmSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { convertNewest } from "./convert-revisions.ts";
import { hasTable, LAYOUT, layoutOf, newerLayout, prepareLayout } from "./layout.ts";

type Open = (path: string, runtimeFolder: string) => DatabaseSync;

/**
 * Opens a database that cannot be opened for writing. If it does not exist or has an older layout, the result is a database in
 * memory, with the newest revision of the older layout. Each way reads the write-ahead log too; SQLite's option `immutable`
 * ignores it, and the newest revisions would be missing. Throws the error of the last way if no way works.
 */
export function openReadable(path: string, runtimeFolder: string): DatabaseSync {
  if (!existsSync(path)) return databaseInMemory();
  const errors: unknown[] = [];
  for (const open of WAYS) {
    try {
      return inPresentLayout(open(path, runtimeFolder));
    } catch (error) {
      errors.push(error);
    }
  }
  throw errors.at(-1);
}

/** Works on a full disk, which has no room for the index of the log: with an exclusive lock, SQLite keeps it in memory. */
const openAlone: Open = (path) =>
  readFirst(new DatabaseSync(path), "PRAGMA locking_mode = EXCLUSIVE");

/** Works in a read-only folder that has the files of the log, because the director before was killed. */
const openBeside: Open = (path) => readFirst(new DatabaseSync(path, { readOnly: true }));

/** Works in a read-only folder without the files of the log, where SQLite does not open a database that uses one. */
const openCopy: Open = (path, runtimeFolder) => {
  const folder = mkdtempSync(join(runtimeFolder, "state-"));
  try {
    const copy = join(folder, "state.db");
    copyFileSync(path, copy);
    if (existsSync(`${path}-wal`)) copyFileSync(`${path}-wal`, `${copy}-wal`);
    // The files stay usable for the connection that has opened them.
    return readFirst(new DatabaseSync(copy), "PRAGMA locking_mode = EXCLUSIVE");
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
};

const WAYS: readonly Open[] = [openAlone, openBeside, openCopy];

/** Reads something, because SQLite opens the files only then. */
function readFirst(database: DatabaseSync, settings = ""): DatabaseSync {
  try {
    database.exec(settings);
    database.prepare("SELECT count(*) FROM sqlite_schema").get();
    return database;
  } catch (error) {
    database.close();
    throw error;
  }
}

function inPresentLayout(database: DatabaseSync): DatabaseSync {
  const version = layoutOf(database);
  if (version === LAYOUT) return database;
  try {
    if (version > LAYOUT) throw newerLayout(database, version);
    const copy = databaseInMemory();
    if (hasTable(database, "revisions")) convertNewest(database, copy);
    return copy;
  } finally {
    database.close();
  }
}

function databaseInMemory(): DatabaseSync {
  const database = new DatabaseSync(":memory:");
  prepareLayout(database, "");
  return database;
}
