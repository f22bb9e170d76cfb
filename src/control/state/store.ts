/**
 * The contract of the store. It asks for no more than etcd can keep: transactions of at most 128 operations, values of at most
 * 1 MiB, and no history of keys that were overwritten.
 *
 * The store keeps *lines*. The state of a line is its newest *head*, a small record that points by hash to immutable values. A
 * line changes only by a new head that replaces the one it was made from. The older heads are the history of the line. A head is
 * rewritten only if a newer program stores in another way what it refers to.
 */
import type { JsonMap } from "#model/json.ts";

/** SHA-256 of the UTF-8 text of a value, base64url without padding. */
export type Hash = string;

export interface Head {
  readonly line: string;
  /** From 1, and greater than `parent`. */
  readonly number: number;
  /** The number of the head that it replaces, 0 if there was none. */
  readonly parent: number;
  /** ISO 8601. */
  readonly at: string;
  /** The values that it refers to. Each is the root of a content tree. */
  readonly roots: Readonly<Record<string, Hash>>;
  /** Version of the schema of what the roots refer to. */
  readonly schema: number;
  /** Version of the program that wrote it. */
  readonly writtenBy: string;
  /** What the store does not interpret, such as the author and the reason. At most 16 KiB as JSON. */
  readonly note: JsonMap;
}

/** Limits of one call. A call that exceeds them rejects with RangeError in every adapter. */
export const MAX_OPERATIONS = 128;
/** The limit for all values of one `put` together. */
export const MAX_PUT_BYTES = 1024 * 1024;
export const MAX_NOTE_BYTES = 16 * 1024;
/** A value that no head refers to is kept for at least this time after it was put. */
export const UNREFERENCED_MS = 10 * 60_000;

/**
 * Every method rejects with DirectorError `state-unwritable` if the storage fails or does not answer in time, and with
 * `state-too-new` if a newer program has written the storage in another way.
 */
export interface Store {
  /**
   * Identifies the store. A new or restored store has another id. If the storage is replaced by another store while the program
   * runs, `put` and `advance` reject until `id` has been called again.
   */
  id(): Promise<string>;
  /** Resolves to the newest head of a line, or to undefined if it has none. */
  head(line: string): Promise<Head | undefined>;
  /** Resolves to the heads of a line with numbers below `before`, the newest first. `limit` is at most 128. */
  heads(line: string, before: number, limit: number): Promise<readonly Head[]>;
  /** Resolves to the names of all lines. */
  lines(): Promise<readonly string[]>;
  /** Resolves to the values that exist, by hash. */
  values(hashes: readonly Hash[]): Promise<ReadonlyMap<Hash, string>>;
  /** Resolves when every value is on the disk. Values that exist are kept for longer. */
  put(values: readonly string[]): Promise<void>;
  /**
   * Adds one head to each of several lines, all of them or none. Resolves to true when they are on the disk, and to false if a
   * line has another newest head than `parent`. A line without heads takes any, so that a history can be copied. If it rejects,
   * `head` tells whether they were added.
   */
  advance(heads: readonly Head[]): Promise<boolean>;
  /**
   * Replaces heads that have the same lines and numbers, all of them or none. Resolves to true when they are on the disk, and to false
   * if one of them does not exist any more.
   */
  rewrite(heads: readonly Head[]): Promise<boolean>;
  /** Deletes the heads of a line with numbers up to `number`, but never the newest. */
  forget(line: string, number: number): Promise<void>;
  /** Resolves to up to 128 hashes above `after`, in order, of values that were last put `UNREFERENCED_MS` ago or earlier. */
  oldValues(after: Hash): Promise<readonly Hash[]>;
  /** Deletes values, except those that were put since `UNREFERENCED_MS` ago. The caller knows that no head refers to them. */
  discard(hashes: readonly Hash[]): Promise<void>;
  /**
   * Deletes values at once, whenever they were put, and overwrites what the storage had of them. The caller knows that no head
   * refers to them and that no other line has the same values.
   */
  erase(values: readonly string[]): Promise<void>;
  /** Overwrites what the storage still has of values that were deleted at any time. It may take long. */
  scrub(): Promise<void>;
  /** Yields each new head of a line with a number above `after`, in order, until `signal` aborts. */
  watch(line: string, after: number, signal: AbortSignal): AsyncIterable<Head>;
  close(): Promise<void>;
}
