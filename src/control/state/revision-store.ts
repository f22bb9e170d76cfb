import { statSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import type { Document, Revision } from "#model/document/document.ts";
import { DirectorError } from "#model/failure.ts";
import { sqliteCodeOf } from "./sqlite-code.ts";
import type { Trouble } from "./trouble.ts";
import { newestOf, readStoredRevision } from "./read-stored-revision.ts";

/** Start-up settings come from the file and the command line, every time anew. */
export type StoredDocument = Omit<Document, "director">;

export interface StoredRevision {
  readonly revision: Revision;
  readonly document: StoredDocument;
  /** ISO 8601. */
  readonly savedAt: string;
}

/** Both methods reject with DirectorError `state-unwritable` when the storage fails. */
export interface RevisionStore {
  /** The newest revision that was saved; undefined in a new data folder. */
  latest(): Promise<StoredRevision | undefined>;
  /** Resolves once the revision is on the disk. When it rejects, `latest` tells whether it came to be. */
  save(revision: Revision, document: StoredDocument): Promise<void>;
  close(): void;
}

export interface StoreOptions extends Trouble {
  readonly folder: string;
  /** Where a copy may lie for a moment, to read a database whose folder cannot be written to. */
  readonly runtimeFolder: string;
  /** How often a state that cannot be saved is tried again. */
  readonly retryMs?: number;
}

const KEPT_REVISIONS = 1_000;
const RETRY_MS = 10_000;
const SCHEMA = `
  PRAGMA journal_mode = WAL;
  PRAGMA synchronous = FULL;
  CREATE TABLE IF NOT EXISTS revisions (
    revision INTEGER PRIMARY KEY,
    document TEXT NOT NULL,
    saved_at TEXT NOT NULL
  ) STRICT;
`;

/**
 * The revisions of the document in `<folder>/state.db`. A database that cannot be opened or written ends nothing: it is
 * opened again at the next use, and read as far as that is possible meanwhile. SQLite itself works synchronously.
 */
export class SqliteRevisionStore implements RevisionStore {
  readonly #options: StoreOptions;
  readonly #path: string;
  /** Of the folder that was there first: another one in its place is not locked. */
  #folderIdentity = "";
  #database: DatabaseSync | undefined;
  #identity = "";
  #retryTimer: NodeJS.Timeout | undefined;

  /** Throws nothing; `onTrouble` tells when the database cannot be written to. */
  constructor(options: StoreOptions) {
    this.#options = options;
    this.#path = join(options.folder, "state.db");
    this.#tryWrite();
  }

  async latest(): Promise<StoredRevision | undefined> {
    try {
      return newestOf(this.#open());
    } catch (error) {
      this.#fail(error);
      try {
        return readStoredRevision(this.#path, this.#options.runtimeFolder);
      } catch (cause) {
        throw new DirectorError("state-unwritable", sentenceOf(this.#path, cause), { cause });
      }
    }
  }

  async save(revision: Revision, document: StoredDocument): Promise<void> {
    try {
      this.#insert(revision, document);
    } catch (cause) {
      this.#fail(cause);
      throw new DirectorError("state-unwritable", sentenceOf(this.#path, cause), { cause });
    }
    this.#recover();
    this.#forgetBefore(revision - KEPT_REVISIONS);
  }

  #insert(revision: Revision, document: StoredDocument): void {
    const insert = (): void => {
      this.#open()
        .prepare("INSERT INTO revisions VALUES (?, ?, ?)")
        .run(revision, JSON.stringify(document), new Date().toISOString());
    };
    try {
      insert();
    } catch (error) {
      // SQLite opens what it may not write to for reading alone, and such a connection stays so. It has written nothing.
      if (sqliteCodeOf(error) !== SQLITE_READONLY) throw error;
      this.#drop();
      insert();
    }
  }

  close(): void {
    clearTimeout(this.#retryTimer);
    this.#drop();
  }

  /** The database, which must still be the file at its path: what is written to a file that was removed is lost. */
  #open(): DatabaseSync {
    const folder = identityOf(this.#options.folder);
    if (this.#folderIdentity === "") this.#folderIdentity = folder;
    if (folder === "" || folder !== this.#folderIdentity) {
      throw new Error("The data folder was removed or replaced while the director ran.");
    }
    if (this.#database !== undefined && identityOf(this.#path) === this.#identity) {
      return this.#database;
    }
    this.#drop();
    const database = new DatabaseSync(this.#path);
    try {
      database.exec(SCHEMA);
    } catch (error) {
      database.close();
      throw error;
    }
    this.#database = database;
    this.#identity = identityOf(this.#path);
    return database;
  }

  /** What is too old is only in the way: it goes at the next save if it does not now. */
  #forgetBefore(revision: Revision): void {
    try {
      this.#open().prepare("DELETE FROM revisions WHERE revision <= ?").run(revision);
    } catch (error) {
      this.#fail(error);
    }
  }

  /** Writes one page and changes nothing. */
  #tryWrite(): void {
    try {
      this.#open().exec("PRAGMA user_version = 1");
      this.#recover();
    } catch (error) {
      this.#fail(error);
    }
  }

  #recover(): void {
    clearTimeout(this.#retryTimer);
    this.#retryTimer = undefined;
    this.#options.onSound();
  }

  /** After an error a connection may go on failing when its cause is long gone. */
  #fail(error: unknown): void {
    this.#drop();
    this.#options.onTrouble(sentenceOf(this.#path, error));
    clearTimeout(this.#retryTimer);
    const retryMs = this.#options.retryMs ?? RETRY_MS;
    this.#retryTimer = setTimeout(() => this.#tryWrite(), retryMs).unref();
  }

  #drop(): void {
    try {
      this.#database?.close();
    } catch {
      // It could not write its last pages; they are in the log beside it.
    }
    this.#database = undefined;
  }
}

const SQLITE_READONLY = 8;

/** "" for what is not there. */
function identityOf(path: string): string {
  const stat = statSync(path, { bigint: true, throwIfNoEntry: false });
  return stat === undefined ? "" : `${stat.dev}:${stat.ino}`;
}

const sentenceOf = (path: string, error: unknown): string =>
  `${path}: ${error instanceof Error ? error.message : String(error)}`;
