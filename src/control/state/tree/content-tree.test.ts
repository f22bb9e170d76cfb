import assert from "node:assert/strict";
import { describe, it } from "node:test";
import * as fc from "fast-check";
import { MemoryStore } from "../memory-store.ts";
import { PutBatch } from "../put-batch.ts";
import type { Hash } from "../store.ts";
import { buildTree, changeTree, compareTrees, readItems, type Changes } from "./content-tree.ts";
import { NodeCache } from "./node-cache.ts";
import { MAX_LEAF_ITEMS, type EntryHashes } from "./tree-node.ts";
import { valueHashOf } from "./value-hash.ts";

const hashesOf = (text: string): EntryHashes => [valueHashOf(text)];

class Trees {
  readonly store = new MemoryStore();

  /** A cache that has read nothing yet. */
  get cache(): NodeCache {
    return new NodeCache(this.store);
  }

  async change(root: Hash | undefined, changes: Changes): Promise<Hash> {
    const written = await changeTree(this.cache, root, changes);
    const batch = new PutBatch(this.store);
    for (const node of written.nodes.values()) await batch.add(node);
    await batch.flush();
    return written.root;
  }
}

const itemsOf = (texts: ReadonlyMap<string, string>): ReadonlyMap<string, EntryHashes> =>
  new Map([...texts].map(([key, text]) => [key, hashesOf(text)]));

/** Keys of a small set, so that many changes concern the same key. */
const key = fc.integer({ min: 0, max: 400 }).map((number) => `key/${number}`);
const entries = fc
  .dictionary(key, fc.string({ maxLength: 3 }), { maxKeys: 120, size: "max" })
  .map((map) => new Map(Object.entries(map)));

function changesBetween(
  before: ReadonlyMap<string, string>,
  after: ReadonlyMap<string, string>,
): readonly (readonly [string, EntryHashes | undefined])[] {
  return [...new Set([...before.keys(), ...after.keys()])]
    .filter((one) => before.get(one) !== after.get(one))
    .map((one) => {
      const text = after.get(one);
      return [one, text === undefined ? undefined : hashesOf(text)];
    });
}

describe("a content tree", () => {
  it("depends on its entries only, and not on the order of changes", async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(entries, { minLength: 1, maxLength: 4 }), async (states) => {
        const trees = new Trees();
        let root: Hash | undefined;
        let before: ReadonlyMap<string, string> = new Map();
        for (const after of states) {
          // Half of the changes at once, the others one by one.
          const changes = changesBetween(before, after);
          const half = changes.length >> 1;
          root = await trees.change(root, new Map(changes.slice(half)));
          for (const change of changes.slice(0, half)) {
            root = await trees.change(root, new Map([change]));
          }
          before = after;
          assert.equal(root, buildTree(itemsOf(after)).root);
          assert.deepEqual(await readItems(trees.cache, root), itemsOf(after));
        }
      }),
      { numRuns: 25 },
    );
  });

  it("differs from another one by the entries that are not the same", async () => {
    await fc.assert(
      fc.asyncProperty(entries, entries, async (one, other) => {
        const trees = new Trees();
        const before = await trees.change(undefined, itemsOf(one));
        const after = await trees.change(before, new Map(changesBetween(one, other)));
        const found = await compareTrees(trees.cache, before, after);
        const naive = (map: ReadonlyMap<string, string>, than: ReadonlyMap<string, string>) =>
          itemsOf(new Map([...map].filter(([at, text]) => than.get(at) !== text)));
        assert.deepEqual(found.before, naive(one, other));
        assert.deepEqual(found.after, naive(other, one));
      }),
      { numRuns: 50 },
    );
  });

  it("is compared without a look at the parts that are equal, and changed without one", async () => {
    const trees = new Trees();
    const texts = new Map(Array.from({ length: 5_000 }, (_, at) => [`key/${at}`, "text"]));
    const before = await trees.change(undefined, itemsOf(texts));
    const reads: Hash[] = [];
    const counting = {
      values: (hashes: readonly Hash[]) => {
        reads.push(...hashes);
        return trees.store.values(hashes);
      },
    };
    const change: Changes = new Map([["key/77", hashesOf("other")]]);
    const written = await changeTree(new NodeCache(counting), before, change);
    assert.ok(reads.length <= 4 && written.nodes.size <= 4, `${reads.length} reads`);
    await trees.store.put([...written.nodes.values()]);
    reads.length = 0;
    const { after, nodes } = await compareTrees(new NodeCache(counting), before, written.root);
    assert.deepEqual([...after.keys()], ["key/77"]);
    assert.deepEqual(nodes.toSorted(), [...written.nodes.keys()].toSorted());
    assert.ok(reads.length <= 8, `${reads.length} reads`);
    reads.length = 0;
    await compareTrees(new NodeCache(counting), before, before);
    assert.deepEqual(reads, []);
  });

  it("becomes a leaf again when few entries are left", async () => {
    const trees = new Trees();
    const texts = new Map(
      Array.from({ length: MAX_LEAF_ITEMS + 1 }, (_, at) => [`key/${at}`, "text"]),
    );
    const branch = await trees.change(undefined, itemsOf(texts));
    assert.equal(buildTree(itemsOf(texts)).nodes.size > 1, true);
    const leaf = await trees.change(branch, new Map([["key/0", undefined]]));
    texts.delete("key/0");
    const built = buildTree(itemsOf(texts));
    assert.deepEqual([leaf, built.nodes.size], [built.root, 1]);
  });

  it("refuses nodes that are missing or damaged by name", async () => {
    const trees = new Trees();
    const damaged = { code: "state-damaged" };
    await assert.rejects(readItems(trees.cache, valueHashOf("none")), damaged);
    const hash = valueHashOf("");
    for (const text of ["", "{}", "[1]", '[["key"]]', '[["key","short"]]', '{"branch":[0]}']) {
      await trees.store.put([text]);
      await assert.rejects(readItems(trees.cache, valueHashOf(text)), damaged, text);
    }
    const lying = JSON.stringify({ branch: [[hash, -1], ...Array.from({ length: 15 }, () => 0)] });
    await trees.store.put([lying]);
    await assert.rejects(readItems(trees.cache, valueHashOf(lying)), damaged);
  });
});
