import { randomUUID } from "node:crypto";
import type { DatabaseSync } from "node:sqlite";
import { DirectorError } from "#model/failure.ts";
import { convertNewest } from "./convert-revisions.ts";
import { inTransaction } from "./statements.ts";

/**
 * The layout of the database, which `PRAGMA user_version` states. Layout 1 had the table `revisions`; its rows are converted one
 * after the other, the newest before anything else.
 */
export const LAYOUT = 2;

const TABLES = `
  CREATE TABLE IF NOT EXISTS facts (name TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT;
  CREATE TABLE IF NOT EXISTS heads (
    line TEXT NOT NULL,
    number INTEGER NOT NULL,
    head TEXT NOT NULL,
    PRIMARY KEY (line, number)
  ) STRICT, WITHOUT ROWID;
  CREATE TABLE IF NOT EXISTS contents (
    hash TEXT PRIMARY KEY,
    value TEXT NOT NULL,
    put_at INTEGER NOT NULL
  ) STRICT;
`;

/** Brings the database into the present layout. Throws DirectorError `state-too-new` if a newer program has changed the layout. */
export function prepareLayout(database: DatabaseSync, program: string): void {
  const version = layoutOf(database);
  if (version > LAYOUT) throw newerLayout(database, version);
  if (version < LAYOUT) {
    inTransaction(database, () => {
      database.exec(TABLES);
      database
        .prepare("INSERT OR IGNORE INTO facts VALUES ('id', ?), ('written-by', ?)")
        .run(randomUUID(), program);
      if (hasTable(database, "revisions")) convertNewest(database, database);
      database.exec(`PRAGMA user_version = ${LAYOUT}`);
    });
  }
  if (factOf(database, "written-by") === program) return;
  database.prepare("UPDATE facts SET value = ? WHERE name = 'written-by'").run(program);
}

/** Returns the layout of the database, 0 if it is empty. */
export function layoutOf(database: DatabaseSync): number {
  const row = database.prepare("PRAGMA user_version").get();
  return Number(row?.["user_version"] ?? 0);
}

export function newerLayout(database: DatabaseSync, version: number): DirectorError {
  let writtenBy = "A newer version";
  try {
    writtenBy = `Version ${factOf(database, "written-by") ?? "unknown"}`;
  } catch {
    // The newer layout has no such table.
  }
  const detail = `${writtenBy} wrote it in layout ${version}, and this one knows layout ${LAYOUT}.`;
  return new DirectorError("state-too-new", detail);
}

export function hasTable(database: DatabaseSync, name: string): boolean {
  const table = database.prepare("SELECT 1 FROM sqlite_schema WHERE name = ?").get(name);
  return table !== undefined;
}

function factOf(database: DatabaseSync, name: string): string | undefined {
  const row = database.prepare("SELECT value FROM facts WHERE name = ?").get(name);
  return row === undefined ? undefined : String(row["value"]);
}
