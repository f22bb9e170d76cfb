import { Turns } from "../turns.ts";
import { PutBatch } from "./put-batch.ts";
import type { Hash, Store } from "./store.ts";
import { changeTree, compareTrees, type WrittenTree } from "./tree/content-tree.ts";
import { entryHashesOf, partsOf } from "./tree/entry-text.ts";
import { NodeCache, readValues } from "./tree/node-cache.ts";
import type { EntryHashes } from "./tree/tree-node.ts";

/** The entries of a tree by their keys. */
export interface EntryTree {
  readonly root: Hash;
  readonly texts: ReadonlyMap<string, string>;
}

/** Reads and writes trees of entries, with the trees that are near to them as the base. */
export class EntryTrees {
  readonly #store: Store;
  readonly #cache: NodeCache;

  constructor(store: Store) {
    this.#store = store;
    this.#cache = new NodeCache(store);
  }

  /** Reads what is different from `base`. */
  async read(root: Hash, base?: EntryTree): Promise<EntryTree> {
    if (root === base?.root) return base;
    const { before, after } = await compareTrees(this.#cache, base?.root, root);
    const texts = new Map(base?.texts);
    for (const key of before.keys()) texts.delete(key);
    const values = await readValues(this.#store, [...after.values()].flat());
    const textOf = (hashes: EntryHashes): string =>
      hashes.map((hash) => values.get(hash) ?? "").join("");
    for (const [key, hashes] of after) texts.set(key, textOf(hashes));
    return { root, texts };
  }

  /** Resolves to the keys of the entries in which two trees are different, without reading the entries. */
  async differentKeys(before: Hash | undefined, after: Hash): Promise<ReadonlySet<string>> {
    const difference = await compareTrees(this.#cache, before, after);
    return new Set([...difference.before.keys(), ...difference.after.keys()]);
  }

  /** Stores what is different from `base`, which must be stored and stay so. Returns the tree when it is on the disk. */
  async write(texts: ReadonlyMap<string, string>, base?: EntryTree): Promise<EntryTree> {
    const changes = new Map<string, EntryHashes | undefined>();
    const values: string[] = [];
    const turns = new Turns();
    for (const [key, text] of texts) {
      if (base?.texts.get(key) === text) continue;
      changes.set(key, entryHashesOf(text));
      values.push(...partsOf(text));
      await turns.give();
    }
    for (const key of base?.texts.keys() ?? []) if (!texts.has(key)) changes.set(key, undefined);
    if (base !== undefined && changes.size === 0) return base;
    const { root, nodes }: WrittenTree = await changeTree(this.#cache, base?.root, changes, turns);
    const batch = new PutBatch(this.#store);
    for (const value of [...values, ...nodes.values()]) {
      await batch.add(value);
      await turns.give();
    }
    await batch.flush();
    for (const [hash, text] of nodes) {
      this.#cache.add(hash, text);
      await turns.give();
    }
    return { root, texts };
  }
}
