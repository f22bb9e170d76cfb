import { readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { DirectorError } from "#model/failure.ts";
import { LOCK_FILE } from "./open-data-folder.ts";
import { sqliteCodeOf } from "./sqlite-code.ts";

export interface FolderLock {
  release(): void;
}

const SQLITE_BUSY = 5;

/**
 * Holds the data folder for this process alone. Throws DirectorError `data-locked` when another holds it.
 *
 * The lock is SQLite's own, on a file of its own: an fcntl lock, so the kernel gives it back however its holder ends, and
 * it goes by the file, so that two containers that mount the same folder see each other, as they would not with a
 * socket in the abstract namespace. The state's file stays open to readers.
 */
export function lockFolder(folder: string): FolderLock {
  const path = join(folder, LOCK_FILE);
  let database: DatabaseSync | undefined;
  try {
    database = new DatabaseSync(path, { timeout: 0 });
    database.exec("PRAGMA journal_mode = MEMORY; BEGIN EXCLUSIVE");
  } catch (error) {
    database?.close();
    if (isBusy(error))
      throw new DirectorError("data-locked", holderSentenceOf(path), { cause: error });
    throw new DirectorError("data-unusable", `${path}: ${String(error)}`, { cause: error });
  }
  const held = database;
  return { release: () => held.close() };
}

/**
 * For a folder that cannot be written to: a director that can does not get it while this lock is held. Throws DirectorError
 * `data-locked` if one holds it already. A folder without a lock file is free.
 */
export function shareFolder(folder: string): FolderLock {
  const path = join(folder, LOCK_FILE);
  let database: DatabaseSync | undefined;
  try {
    database = new DatabaseSync(path, { timeout: 0, readOnly: true });
    database.exec("BEGIN; SELECT count(*) FROM sqlite_schema");
  } catch (error) {
    database?.close();
    if (isBusy(error))
      throw new DirectorError("data-locked", holderSentenceOf(path), { cause: error });
    return { release: () => undefined };
  }
  const held = database;
  return { release: () => held.close() };
}

const isBusy = (error: unknown): boolean => sqliteCodeOf(error) === SQLITE_BUSY;

/** /proc/locks (proc(5)) tells whose lock it is, where it can be read. */
function holderSentenceOf(path: string): string {
  try {
    const inode = statSync(path).ino;
    const line = readFileSync("/proc/locks", "utf8")
      .split("\n")
      .find((candidate) => candidate.includes(`:${inode} `));
    const pid = line?.split(/\s+/)[4];
    return pid === undefined ? path : `Process ${pid} has locked ${path}.`;
  } catch {
    return path;
  }
}
