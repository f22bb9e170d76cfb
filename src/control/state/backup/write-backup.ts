import { createHash } from "node:crypto";
import { DirectorError } from "#model/failure.ts";
import { DATA_KEYS_LINE, STANDBY_LINE } from "../document-lines.ts";
import { headsAbove } from "../head-watch.ts";
import { MAX_OPERATIONS, type Head, type Store } from "../store.ts";
import { addedHashes } from "../tree/content-tree.ts";
import { NodeCache, readValues } from "../tree/node-cache.ts";
import { BACKUP_FORMAT, textOf, type BackupLine } from "./backup-line.ts";

const MAX_CUTS = 100;

/**
 * Yields the lines of a backup of the store, each with its line feed. The newest heads of all lines are those of one moment;
 * changes and deletions after that moment do not matter. Rejects with `state-unwritable` if the store cannot be read.
 */
export async function* writeBackup(store: Store, program: string): AsyncGenerator<string, void> {
  const sha256 = createHash("sha256");
  const counts = { heads: 0, values: 0 };
  const hashed = (line: BackupLine): string => {
    const text = textOf(line);
    sha256.update(text);
    return text;
  };
  const storeId = await store.id();
  const at = new Date().toISOString();
  const header = { tlsdBackup: BACKUP_FORMAT, storeId, writtenBy: program, at };
  yield hashed({ kind: "header", header });
  for await (const line of contentOf(store)) {
    counts[line.kind === "head" ? "heads" : "values"] += 1;
    yield hashed(line);
  }
  yield textOf({ kind: "trailer", trailer: { ...counts, sha256: sha256.digest("hex") } });
}

async function* contentOf(store: Store): AsyncGenerator<ContentLine, void> {
  const { heads, dataKeys } = await readCut(store);
  yield* dataKeys;
  for (const newest of heads) {
    if (newest.line !== DATA_KEYS_LINE) yield* linesOf(store, newest);
  }
}

/**
 * Resolves to the newest heads of all lines, and to the data keys, which are read at once: a change to them erases what they were
 * before, while the other lines keep what a backup may still have to read.
 */
async function readCut(store: Store) {
  for (let cut = 1; ; cut += 1) {
    const heads = await newestHeads(store);
    const keys = heads.find(({ line }) => line === DATA_KEYS_LINE);
    try {
      const dataKeys = keys === undefined ? [] : await Array.fromAsync(linesOf(store, keys));
      return { heads, dataKeys };
    } catch (error) {
      const isReplaced = (await store.head(DATA_KEYS_LINE))?.number !== keys?.number;
      if (!isReplaced || cut === MAX_CUTS) throw error;
    }
  }
}

/** Resolves to the newest heads of all lines, as they are together at one moment. */
async function newestHeads(store: Store): Promise<readonly Head[]> {
  let before = await readNewest(store);
  for (let cut = 0; cut < MAX_CUTS; cut += 1) {
    const now = await readNewest(store);
    if (JSON.stringify(now) === JSON.stringify(before)) return now;
    before = now;
  }
  throw new DirectorError("state-unwritable", "The state changes too fast for a backup.");
}

async function readNewest(store: Store): Promise<readonly Head[]> {
  const heads: Head[] = [];
  for (const line of await store.lines()) {
    // Which servers serve now says nothing about the director in which the backup is restored.
    if (line === STANDBY_LINE) continue;
    const head = await store.head(line);
    if (head !== undefined) heads.push(head);
  }
  return heads;
}

type ContentLine = Extract<BackupLine, { readonly kind: "value" | "head" }>;

async function* linesOf(store: Store, newest: Head): AsyncGenerator<ContentLine, void> {
  const cache = new NodeCache(store);
  let before: Head | undefined;
  for (const head of await headsAbove(store, newest.line, 0)) {
    if (head.number > newest.number) return;
    try {
      for await (const value of newValues(store, cache, before?.roots ?? {}, head)) {
        yield { kind: "value", value };
      }
    } catch (error) {
      if (head.number === newest.number || !(await isForgotten(store, head))) throw error;
      continue;
    }
    // Heads in between may have been forgotten.
    yield { kind: "head", head: { ...head, parent: before?.number ?? head.parent } };
    before = head;
  }
}

/** Yields the values that the head needs and that the head before did not need in the same place. */
async function* newValues(
  store: Store,
  cache: NodeCache,
  before: Head["roots"],
  { roots }: Head,
): AsyncGenerator<string, void> {
  const hashes = await addedHashes(cache, before, roots);
  for (let at = 0; at < hashes.length; at += MAX_OPERATIONS) {
    yield* (await readValues(store, hashes.slice(at, at + MAX_OPERATIONS))).values();
  }
}

/** The values of a head that was forgotten while the backup ran may have been discarded. */
async function isForgotten(store: Store, { line, number }: Head): Promise<boolean> {
  const [kept] = await store.heads(line, number + 1, 1);
  return kept?.number !== number;
}
