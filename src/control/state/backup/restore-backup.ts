import { closeSync, fsyncSync, mkdtempSync, openSync, renameSync, rmSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { DirectorError } from "#model/failure.ts";
import { sqliteCodeOf } from "../sqlite-code.ts";
import { SqliteStore } from "../sqlite/sqlite-store.ts";
import { syncFolder } from "../sqlite/state-file.ts";
import { readBackup, type BackupFacts } from "./read-backup.ts";

export interface RestoreOptions {
  /** The data folder. The caller has locked it. */
  readonly folder: string;
  /** Version of the program. */
  readonly program: string;
}

/**
 * Replaces the state in a data folder with a backup, as a store with an id of its own. Rejects with DirectorError
 * `backup-unusable` or `state-too-new` if the backup cannot be used, and `state-unwritable` if the disk fails. The old state is then
 * still in place.
 */
export async function restoreBackup(
  chunks: AsyncIterable<Uint8Array>,
  { folder, program }: RestoreOptions,
): Promise<BackupFacts> {
  const beside = inFolder(folder, () => mkdtempSync(join(folder, "restore-")));
  try {
    const facts = await fillBeside(chunks, beside, program);
    inFolder(folder, () => replaceState(folder, beside));
    return facts;
  } finally {
    rmSync(beside, { recursive: true, force: true });
  }
}

async function fillBeside(
  chunks: AsyncIterable<Uint8Array>,
  beside: string,
  program: string,
): Promise<BackupFacts> {
  const handlers = { onTrouble: () => undefined, onSound: () => undefined };
  const store = new SqliteStore({ folder: beside, runtimeFolder: beside, program, ...handlers });
  try {
    return await readBackup(chunks, store);
  } finally {
    await store.close();
  }
}

function replaceState(folder: string, beside: string): void {
  const restored = join(beside, "state.db");
  settle(restored);
  const descriptor = openSync(restored, "r");
  fsyncSync(descriptor);
  closeSync(descriptor);
  removeLog(folder);
  renameSync(restored, join(folder, "state.db"));
  syncFolder(folder);
}

/** Writes the log of a database into its file. */
function settle(path: string): void {
  const database = new DatabaseSync(path);
  try {
    database.exec("PRAGMA synchronous = FULL; PRAGMA journal_mode = DELETE");
  } finally {
    database.close();
  }
}

/**
 * SQLite would add the log of the old database to the new one. Before the log is removed, its contents are written into the old
 * database, which stays complete if the rename fails.
 */
function removeLog(folder: string): void {
  const path = join(folder, "state.db");
  try {
    settle(path);
  } catch (error) {
    if (!isNoDatabase(error)) throw error;
  }
  for (const name of ["state.db-wal", "state.db-shm"]) rmSync(join(folder, name), { force: true });
  syncFolder(folder);
}

const SQLITE_CORRUPT = 11;
const SQLITE_NOTADB = 26;

/** A state that is damaged is a reason to restore a backup. */
const isNoDatabase = (error: unknown): boolean =>
  [SQLITE_CORRUPT, SQLITE_NOTADB].includes(sqliteCodeOf(error) ?? 0);

function inFolder<T>(folder: string, work: () => T): T {
  try {
    return work();
  } catch (cause) {
    const detail = `${folder}: ${cause instanceof Error ? cause.message : String(cause)}`;
    throw new DirectorError("state-unwritable", detail, { cause });
  }
}
