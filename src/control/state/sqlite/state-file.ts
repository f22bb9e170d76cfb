import { chmodSync, closeSync, fsyncSync, openSync, statSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { DirectorError } from "#model/failure.ts";
import { sqliteCodeOf } from "../sqlite-code.ts";
import { convertStep } from "./convert-revisions.ts";
import { hasTable, prepareLayout } from "./layout.ts";
import { openReadable } from "./open-readable.ts";

export interface StateFileOptions {
  readonly folder: string;
  /** A folder for a temporary copy of a database whose own folder cannot be written to. */
  readonly runtimeFolder: string;
  /** Version of the program. */
  readonly program: string;
}

type Use<T> = (database: DatabaseSync) => T;

const SQLITE_READONLY = 8;
/**
 * Deleted rows are overwritten, because they may be keys. The write-ahead log is copied into the database after 256 pages (1 MiB) and is cut back to that size, because on a full disk
 * nothing can be deleted while the log holds the space.
 */
const PRAGMAS = [
  ...["PRAGMA journal_mode = WAL", "PRAGMA synchronous = FULL"],
  "PRAGMA secure_delete = ON",
  ...["PRAGMA wal_autocheckpoint = 256", "PRAGMA journal_size_limit = 1048576"],
].join("; ");

/**
 * The database `<folder>/state.db`. It works synchronously. If it cannot be opened or written, it is opened again at the next
 * write, and until then what can be read is read.
 */
export class StateFile {
  readonly path: string;
  readonly #options: StateFileOptions;
  /** Identity of the folder at the start. A folder that has replaced it is not locked. */
  #folderIdentity = "";
  #database: DatabaseSync | undefined;
  #identity = "";
  /** Opened when the database cannot be opened for writing, and why it cannot. */
  #readable: { readonly database: DatabaseSync; readonly trouble: string } | undefined;
  #isToConvert = false;

  constructor(options: StateFileOptions) {
    this.#options = options;
    this.path = join(options.folder, "state.db");
  }

  /** Whether the database has rows of an older layout, which `convert` converts. */
  get isToConvert(): boolean {
    return this.#isToConvert && this.#database !== undefined;
  }

  write<T>(use: Use<T>): T {
    try {
      try {
        return use(this.#open());
      } catch (error) {
        // SQLite opens a file without write permission read-only, and the connection stays read-only. Nothing was written.
        if (sqliteCodeOf(error) !== SQLITE_READONLY) throw error;
        this.close();
        return use(this.#open());
      }
    } catch (error) {
      // The connection may continue to fail after the cause of an error has gone.
      this.close();
      throw error;
    }
  }

  /** The result has `trouble` if the database can only be read. */
  read<T>(use: Use<T>): { readonly value: T; readonly trouble?: string } {
    if (this.#readable !== undefined && identityOf(this.path) === this.#identity) {
      return { value: use(this.#readable.database), trouble: this.#readable.trouble };
    }
    try {
      return { value: use(this.#open()) };
    } catch (error) {
      this.close();
      if (error instanceof DirectorError) throw error;
      const database = openReadable(this.path, this.#options.runtimeFolder);
      this.#readable = { database, trouble: `${this.path}: ${sentenceOf(error)}` };
      this.#identity = identityOf(this.path);
      return { value: use(database), trouble: this.#readable.trouble };
    }
  }

  /** Converts one row of an older layout. Returns false if there was none. */
  convert(): boolean {
    if (this.write(convertStep)) return true;
    this.#isToConvert = false;
    // The rows were most of the file.
    this.write((database) => database.exec("VACUUM"));
    return false;
  }

  /** Makes the next read try to open the database for writing. */
  closeReadable(): void {
    if (this.#readable !== undefined) this.close();
  }

  close(): void {
    for (const database of [this.#database, this.#readable?.database]) {
      try {
        database?.close();
      } catch {
        // The last pages could not be written to the database. They are still in its log.
      }
    }
    this.#database = undefined;
    this.#readable = undefined;
  }

  /** Opens the database again if its file was replaced, because writes to a removed file are lost. */
  #open(): DatabaseSync {
    const { folder, program } = this.#options;
    const identity = identityOf(folder);
    if (this.#folderIdentity === "") this.#folderIdentity = identity;
    if (identity === "" || identity !== this.#folderIdentity) {
      throw new Error("The data folder was removed or replaced while the director ran.");
    }
    if (this.#database !== undefined && identityOf(this.path) === this.#identity) {
      return this.#database;
    }
    this.close();
    createFile(folder, this.path);
    const database = new DatabaseSync(this.path);
    try {
      database.exec(PRAGMAS);
      prepareLayout(database, program);
      this.#isToConvert = hasTable(database, "revisions");
    } catch (error) {
      database.close();
      throw error;
    }
    this.#database = database;
    this.#identity = identityOf(this.path);
    return database;
  }
}

/** Creates the file with its mode, because SQLite would use the umask. The files of the log get the mode of the file. */
function createFile(folder: string, path: string): void {
  const stat = statSync(path, { throwIfNoEntry: false });
  if (stat === undefined) {
    closeSync(openSync(path, "a", 0o600));
    syncFolder(folder);
  } else if ((stat.mode & 0o077) !== 0) {
    closeToOthers(path);
  }
}

function closeToOthers(path: string): void {
  try {
    chmodSync(path, 0o600);
  } catch {
    // The folder is closed to others already.
  }
}

/** Makes sure that a file that was created in the folder, or renamed, is there after a power failure. */
export function syncFolder(folder: string): void {
  const descriptor = openSync(folder, "r");
  try {
    fsyncSync(descriptor);
  } finally {
    closeSync(descriptor);
  }
}

/** Returns "" if the path does not exist. */
function identityOf(path: string): string {
  const stat = statSync(path, { bigint: true, throwIfNoEntry: false });
  return stat === undefined ? "" : `${stat.dev}:${stat.ino}`;
}

export const sentenceOf = (error: unknown): string =>
  error instanceof Error ? error.message : String(error);
