import { randomBytes } from "node:crypto";
import { DirectorError } from "#model/failure.ts";
import { SECRET_KEY_LINE } from "./document-lines.ts";
import { EntryTrees } from "./entry-trees.ts";
import type { Store } from "./store.ts";

const KEY_BYTES = 32;
const ENTRY = "key";

/**
 * Resolves to the random key of the store with which fingerprints of secrets are made. The first call creates it. If the storage
 * fails, the key is a new one that is not stored.
 */
export async function secretKeyOf(store: Store, program: string): Promise<Buffer> {
  try {
    return await storedKey(store, program);
  } catch (error) {
    if (error instanceof DirectorError && error.code === "state-unwritable") return newKey();
    throw error;
  }
}

async function storedKey(store: Store, program: string): Promise<Buffer> {
  const stored = await tryStored(store);
  if (stored !== undefined) return stored;
  await store.id();
  const key = newKey();
  const texts = new Map([[ENTRY, JSON.stringify(key.toString("base64"))]]);
  const { root } = await new EntryTrees(store).write(texts);
  const at = new Date().toISOString();
  const head = { at, schema: 1, writtenBy: program, roots: { key: root }, note: {} };
  const isFirst = await store.advance([{ line: SECRET_KEY_LINE, number: 1, parent: 0, ...head }]);
  return isFirst ? key : ((await tryStored(store)) ?? key);
}

const newKey = (): Buffer => randomBytes(KEY_BYTES);

async function tryStored(store: Store): Promise<Buffer | undefined> {
  const root = (await store.head(SECRET_KEY_LINE))?.roots["key"];
  if (root === undefined) return undefined;
  const { texts } = await new EntryTrees(store).read(root);
  return Buffer.from(JSON.parse(texts.get(ENTRY) ?? '""') as string, "base64");
}
