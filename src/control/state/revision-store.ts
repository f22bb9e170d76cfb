import { statSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import type { Document, Revision } from "#model/document/document.ts";
import { DirectorError } from "#model/failure.ts";
import { sqliteCodeOf } from "./sqlite-code.ts";
import type { Trouble } from "./trouble.ts";
import { newestOf, readStoredRevision } from "./read-stored-revision.ts";

/** Start-up settings are not stored, because each start reads them from the file and the command line. */
export type StoredDocument = Omit<Document, "director">;

export interface StoredRevision {
  readonly revision: Revision;
  readonly document: StoredDocument;
  /** ISO 8601. */
  readonly savedAt: string;
}

/** `latest` and `save` reject with DirectorError `state-unwritable` if the storage fails. */
export interface RevisionStore {
  /** Resolves to the newest saved revision, or to undefined if there is none. */
  latest(): Promise<StoredRevision | undefined>;
  /** Resolves when the revision is on the disk. If it rejects, `latest` tells whether the revision was saved. */
  save(revision: Revision, document: StoredDocument): Promise<void>;
  close(): void;
}

export interface StoreOptions extends Trouble {
  readonly folder: string;
  /** A folder for a temporary copy of a database whose own folder cannot be written to. */
  readonly runtimeFolder: string;
  /** The interval of further attempts while the database cannot be written. */
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
 * Stores the revisions of the document in `<folder>/state.db`. If the database cannot be opened or written, the director goes
 * on: the store opens it again at the next use, and until then reads what can be read. SQLite works synchronously.
 */
export class SqliteRevisionStore implements RevisionStore {
  readonly #options: StoreOptions;
  readonly #path: string;
  /** Identity of the folder at the start. A folder that has replaced it is not locked. */
  #folderIdentity = "";
  #database: DatabaseSync | undefined;
  #identity = "";
  #retryTimer: NodeJS.Timeout | undefined;

  /** Never throws. `onTrouble` is called if the database cannot be written. */
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
      // SQLite opens a file without write permission read-only, and the connection stays read-only. Nothing was written.
      if (sqliteCodeOf(error) !== SQLITE_READONLY) throw error;
      this.#drop();
      insert();
    }
  }

  close(): void {
    clearTimeout(this.#retryTimer);
    this.#drop();
  }

  /** Opens the database again if its file was replaced, because writes to a removed file are lost. */
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

  /** Old revisions that cannot be deleted now are deleted after a later save. */
  #forgetBefore(revision: Revision): void {
    try {
      this.#open().prepare("DELETE FROM revisions WHERE revision <= ?").run(revision);
    } catch (error) {
      this.#fail(error);
    }
  }

  /** Tests whether the database can be written, by writing a page without changing data. */
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

  /** Closes the connection, because it may continue to fail after the cause of an error has gone. */
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
      // The last pages could not be written to the database. They are still in its log.
    }
    this.#database = undefined;
  }
}

const SQLITE_READONLY = 8;

/** Returns "" if the path does not exist. */
function identityOf(path: string): string {
  const stat = statSync(path, { bigint: true, throwIfNoEntry: false });
  return stat === undefined ? "" : `${stat.dev}:${stat.ino}`;
}

const sentenceOf = (path: string, error: unknown): string =>
  `${path}: ${error instanceof Error ? error.message : String(error)}`;
