import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import type { Document, Revision } from "#model/document.ts";
import { DirectorError } from "#model/failure.ts";

/** Start-up settings come from the file and the command line, every time anew. */
export type StoredDocument = Omit<Document, "director">;

export interface StoredRevision {
  readonly revision: Revision;
  readonly document: StoredDocument;
  /** ISO 8601. */
  readonly savedAt: string;
}

export interface RevisionStore {
  /** The newest revision that was saved; undefined in a new data folder. */
  latest(): StoredRevision | undefined;
  /** Returns once the revision is on the disk. When it throws, `latest` tells whether it came to be. */
  save(revision: Revision, document: StoredDocument): void;
  close(): void;
}

const KEPT_REVISIONS = 1_000;
const SCHEMA = `
  PRAGMA journal_mode = WAL;
  PRAGMA synchronous = FULL;
  CREATE TABLE IF NOT EXISTS revisions (
    revision INTEGER PRIMARY KEY,
    document TEXT NOT NULL,
    saved_at TEXT NOT NULL
  ) STRICT;
`;

/** The revisions of the document in `<folder>/state.db`. Throws DirectorError `data-unusable`. */
export function openRevisionStore(folder: string): RevisionStore {
  const path = join(folder, "state.db");
  let database: DatabaseSync;
  try {
    database = new DatabaseSync(path);
    database.exec(SCHEMA);
  } catch (error) {
    throw new DirectorError("data-unusable", `${path}: ${String(error)}`, { cause: error });
  }
  const newest = database.prepare("SELECT * FROM revisions ORDER BY revision DESC LIMIT 1");
  const insert = database.prepare("INSERT INTO revisions VALUES (?, ?, ?)");
  const forget = database.prepare("DELETE FROM revisions WHERE revision <= ?");
  return {
    latest() {
      const row = newest.get() as
        | { revision: number; document: string; saved_at: string }
        | undefined;
      return row === undefined
        ? undefined
        : {
            revision: row.revision,
            document: JSON.parse(row.document) as StoredDocument,
            savedAt: row.saved_at,
          };
    },
    save(revision, document) {
      insert.run(revision, JSON.stringify(document), new Date().toISOString());
      forget.run(revision - KEPT_REVISIONS);
    },
    close() {
      database.close();
    },
  };
}
