/** What each method of the store does on the database. */
import type { DatabaseSync } from "node:sqlite";
import { MAX_OPERATIONS, UNREFERENCED_MS, type Hash, type Head } from "../store.ts";
import { valueHashOf } from "../tree/value-hash.ts";

export function inTransaction<T>(database: DatabaseSync, work: () => T): T {
  database.exec("BEGIN IMMEDIATE");
  try {
    const result = work();
    database.exec("COMMIT");
    return result;
  } catch (error) {
    rollBack(database);
    throw error;
  }
}

function rollBack(database: DatabaseSync): void {
  try {
    if (database.isTransaction) database.exec("ROLLBACK");
  } catch {
    // The connection is closed after the error that led here, which rolls back too.
  }
}

export const READS = {
  id: (database: DatabaseSync): string => {
    const row = database.prepare("SELECT value FROM facts WHERE name = 'id'").get();
    return String(row?.["value"]);
  },

  head: (database: DatabaseSync, line: string): Head | undefined =>
    headsOf(database, line, Number.MAX_SAFE_INTEGER, 1)[0],

  heads: headsOf,

  lines: (database: DatabaseSync): readonly string[] =>
    database
      .prepare("SELECT DISTINCT line FROM heads ORDER BY line")
      .all()
      .map((row) => String(row["line"])),

  values: (database: DatabaseSync, hashes: readonly Hash[]): ReadonlyMap<Hash, string> => {
    const select = database.prepare("SELECT value FROM contents WHERE hash = ?");
    const found = new Map<Hash, string>();
    for (const hash of hashes) {
      const row = select.get(hash);
      if (row !== undefined) found.set(hash, String(row["value"]));
    }
    return found;
  },

  oldValues: (database: DatabaseSync, after: Hash, nowMs: number): readonly Hash[] =>
    database
      .prepare("SELECT hash FROM contents WHERE hash > ? AND put_at <= ? ORDER BY hash LIMIT ?")
      .all(after, nowMs - UNREFERENCED_MS, MAX_OPERATIONS)
      .map((row) => String(row["hash"])),
} as const;

export const WRITES = {
  put: (
    database: DatabaseSync,
    id: string | undefined,
    values: readonly string[],
    nowMs: number,
  ): void =>
    inTransaction(database, () => {
      checkId(database, id);
      insertValues(database, values, nowMs);
    }),

  advance: (database: DatabaseSync, id: string | undefined, heads: readonly Head[]): boolean =>
    inTransaction(database, () => {
      checkId(database, id);
      const isNext = ({ line, parent }: Head): boolean => {
        const newest = READS.head(database, line);
        return newest === undefined || newest.number === parent;
      };
      if (!heads.every(isNext)) return false;
      for (const head of heads) insertHead(database, head);
      return true;
    }),

  rewrite: (database: DatabaseSync, id: string | undefined, heads: readonly Head[]): boolean =>
    inTransaction(database, () => {
      checkId(database, id);
      const exists = database.prepare("SELECT 1 FROM heads WHERE line = ? AND number = ?");
      if (!heads.every(({ line, number }) => exists.get(line, number) !== undefined)) return false;
      const update = database.prepare("UPDATE heads SET head = ? WHERE line = ? AND number = ?");
      for (const head of heads) update.run(JSON.stringify(head), head.line, head.number);
      return true;
    }),

  forget: (database: DatabaseSync, line: string, number: number): void => {
    database
      .prepare(
        "DELETE FROM heads WHERE line = ?1 AND number <= ?2 AND number < (SELECT max(number) FROM heads WHERE line = ?1)",
      )
      .run(line, number);
  },

  discard: (database: DatabaseSync, hashes: readonly Hash[], nowMs: number): void =>
    deleteValues(database, hashes, nowMs - UNREFERENCED_MS),

  erase: (database: DatabaseSync, hashes: readonly Hash[]): void =>
    deleteValues(database, hashes, Number.MAX_SAFE_INTEGER),

  /** Earlier versions have not overwritten what they deleted. */
  scrub: (database: DatabaseSync): void => {
    database.exec("VACUUM");
    truncateLog(database);
  },

  /** Tests whether the database can be written, by writing a page without changing data. */
  probe: (database: DatabaseSync): void => {
    database.exec("UPDATE facts SET value = value WHERE name = 'id'");
  },
} as const;

/** What is written refers to what was written before, which another database does not have. */
function checkId(database: DatabaseSync, id: string | undefined): void {
  if (id === undefined || READS.id(database) === id) return;
  throw new Error("Another database has taken the place of this one.");
}

function headsOf(
  database: DatabaseSync,
  line: string,
  before: number,
  limit: number,
): readonly Head[] {
  return database
    .prepare("SELECT head FROM heads WHERE line = ? AND number < ? ORDER BY number DESC LIMIT ?")
    .all(line, before, limit)
    .map((row) => JSON.parse(String(row["head"])) as Head);
}

/** Deletes the values that were last put at `untilMs` or earlier. */
function deleteValues(database: DatabaseSync, hashes: readonly Hash[], untilMs: number): void {
  const deleted = inTransaction(database, () => {
    const remove = database.prepare("DELETE FROM contents WHERE hash = ? AND put_at <= ?");
    return hashes.filter((hash) => remove.run(hash, untilMs).changes > 0).length;
  });
  if (deleted > 0) truncateLog(database);
}

/** The log still has the pages from before, and some of the values may have been keys. */
const truncateLog = (database: DatabaseSync): void =>
  database.exec("PRAGMA wal_checkpoint(TRUNCATE)");

export function insertHead(database: DatabaseSync, head: Head): void {
  database
    .prepare("INSERT INTO heads VALUES (?, ?, ?) ON CONFLICT DO NOTHING")
    .run(head.line, head.number, JSON.stringify(head));
}

export function insertValues(
  database: DatabaseSync,
  values: readonly string[],
  nowMs: number,
  /** Values that were put within this time stay untouched, which saves a write. */
  refreshMs = 0,
): void {
  const insert = database.prepare(
    "INSERT INTO contents VALUES (?1, ?2, ?3) ON CONFLICT DO UPDATE SET put_at = ?3 WHERE put_at <= ?3 - ?4",
  );
  for (const value of values) insert.run(valueHashOf(value), value, nowMs, refreshMs);
}
