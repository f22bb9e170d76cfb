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
 * Locks the folder for this process. Throws DirectorError `data-locked` if another process has locked it.
 *
 * SQLite locks a separate file with fcntl. The kernel releases such a lock however the process ends. The lock belongs to the
 * file, so two containers that mount the same folder see each other's lock; with a socket in the abstract namespace they
 * would not. The file of the state is not locked, so it can still be read.
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
 * Locks a folder that this process cannot write to, against a director that can. Throws DirectorError `data-locked` if such a
 * director has locked it already. A folder without a lock file is not locked.
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

/** Names the process that holds the lock, if /proc/locks (proc(5)) can be read. */
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
