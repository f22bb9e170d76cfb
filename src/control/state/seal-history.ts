import { DOCUMENT_SCHEMA } from "#model/document/migrations/migrate-document.ts";
import { DirectorError } from "#model/failure.ts";
import { markLine } from "./collection.ts";
import { documentOfTexts, entriesOf } from "./document-entries.ts";
import { DOCUMENT_LINE, FILE_LINE, SECRET_KEY_LINE } from "./document-lines.ts";
import type { EntrySecrets, StoredEntries } from "./entry-secrets.ts";
import { EntryTrees, type EntryTree } from "./entry-trees.ts";
import { headsAbove } from "./head-watch.ts";
import { checkSchema, migrated, rootOf } from "./revision-head.ts";
import { MAX_OPERATIONS, type Hash, type Head, type Store } from "./store.ts";

export interface SealHistoryParts {
  readonly store: Store;
  readonly secrets: EntrySecrets;
  /** The folder to which the paths in documents of schema 1 are relative. */
  readonly folder: string;
}

const DOCUMENT_LINES = [DOCUMENT_LINE, FILE_LINE] as const;

/**
 * Seals the secrets of all revisions that earlier versions have stored, and erases what they had stored. The key of fingerprints goes
 * too, because fingerprints depend on a sealed key now. It goes last, so that a start after a kill does the rest. Resolves to whether
 * there was anything to do. Rejects with what the store and `secrets` reject with; some revisions may be sealed then.
 */
export async function sealHistory(parts: SealHistoryParts): Promise<boolean> {
  const { store } = parts;
  const lines: (typeof DOCUMENT_LINES)[number][] = [];
  for (const line of DOCUMENT_LINES) {
    const heads = await headsAbove(store, line, 0);
    if (heads.some(({ schema }) => schema < DOCUMENT_SCHEMA)) lines.push(line);
  }
  const keys = await headsAbove(store, SECRET_KEY_LINE, 0);
  const hasKey = keys.some(hasValues);
  if (lines.length === 0 && !hasKey) return false;
  await store.id();
  const before = new Set<Hash>();
  for (const line of lines) await markLine(store, line, before);
  for (const line of lines) await sealLine(line, parts);
  await eraseUnneeded(store, before);
  await store.scrub();
  if (hasKey) await removeKeys(store, keys);
  return true;
}

const hasValues = ({ roots }: Head): boolean => Object.keys(roots).length > 0;

/** Rewrites the heads from the oldest to the newest, so that they have in common what they had in common before. */
async function sealLine(line: string, { store, secrets, folder }: SealHistoryParts): Promise<void> {
  const trees = new EntryTrees(store);
  let read: EntryTree | undefined;
  let written: (StoredEntries & { readonly tree: EntryTree }) | undefined;
  let rewritten: Head[] = [];
  const flush = async (): Promise<void> => {
    if (rewritten.length > 0 && !(await store.rewrite(rewritten))) {
      throw new DirectorError("revision-conflict");
    }
    rewritten = [];
  };
  for (const head of await headsAbove(store, line, 0)) {
    checkSchema(head);
    let entries: EntryTree;
    try {
      entries = await trees.read(rootOf(head.roots), read);
    } catch (error) {
      // A damaged revision has nothing that can be sealed.
      if (error instanceof DirectorError && error.code === "state-damaged") continue;
      throw error;
    }
    read = entries;
    const known = await secrets.opened(entries.texts, undefined);
    if (head.schema === DOCUMENT_SCHEMA) {
      written = { stored: entries.texts, opened: known, isSealed: true, tree: entries };
      continue;
    }
    const opened = entriesOf(migrated(documentOfTexts(known), head, folder));
    const { stored } = await secrets.sealed(opened, written);
    const tree = await trees.write(stored, written?.tree);
    written = { stored, opened, isSealed: true, tree };
    rewritten.push({ ...head, roots: { document: tree.root }, schema: DOCUMENT_SCHEMA });
    if (rewritten.length === MAX_OPERATIONS) await flush();
  }
  await flush();
}

/** Erases those of the values that no head needs any more. */
async function eraseUnneeded(store: Store, values: ReadonlySet<Hash>): Promise<void> {
  const needed = new Set<Hash>();
  for (const line of await store.lines()) await markLine(store, line, needed);
  const unneeded = [...values.difference(needed)];
  for (let at = 0; at < unneeded.length; at += MAX_OPERATIONS) {
    const found = await store.values(unneeded.slice(at, at + MAX_OPERATIONS));
    await store.erase([...found.values()]);
  }
}

/** Leaves a line without values. A line always has a head. */
async function removeKeys(store: Store, heads: readonly Head[]): Promise<void> {
  const values = new Set<Hash>();
  await markLine(store, SECRET_KEY_LINE, values);
  const newest = heads.at(-1);
  if (newest !== undefined && hasValues(newest)) {
    const { number } = newest;
    const next = { ...newest, number: number + 1, parent: number, roots: {} };
    if (!(await store.advance([next]))) throw new DirectorError("revision-conflict");
  }
  await store.forget(SECRET_KEY_LINE, Number.MAX_SAFE_INTEGER);
  await eraseUnneeded(store, values);
}
