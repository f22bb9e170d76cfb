/**
 * A tree of hashes over entries, which are texts by key. The place of an entry is given by the hash of its key, and a part of
 * the tree is a leaf if and only if it has few entries. Trees of equal entries are therefore equal, whatever their history is,
 * and have equal root hashes. A change of one entry writes the entry and the nodes above it.
 */
import { hash } from "node:crypto";
import type { Hash, Head } from "../store.ts";
import type { NodeCache } from "./node-cache.ts";
import {
  branchText,
  CHILDREN,
  countOf,
  EMPTY_LEAF,
  leafText,
  MAX_DEPTH,
  MAX_LEAF_ITEMS,
  type Branch,
  type Child,
  type EntryHashes,
  type Items,
  type Leaf,
  type Ref,
  type TreeNode,
} from "./tree-node.ts";
import { Turns } from "../../turns.ts";
import { valueHashOf } from "./value-hash.ts";

/** The entries that change, undefined for those that are removed. */
export type Changes = ReadonlyMap<string, EntryHashes | undefined>;

export interface WrittenTree {
  readonly root: Hash;
  /** The nodes that the tree before the change does not have. */
  readonly nodes: ReadonlyMap<Hash, string>;
}

/** Returns the tree of `root` with the changes. If `root` is undefined, the tree before is empty. */
export async function changeTree(
  cache: NodeCache,
  root: Hash | undefined,
  changes: Changes,
  turns = new Turns(),
): Promise<WrittenTree> {
  const before = root === undefined ? EMPTY_LEAF : await loadOne(cache, root);
  const placed: Change[] = [];
  for (const [key, hashes] of changes) {
    placed.push({ key, hashes, digits: digitsOf(key) });
    await turns.give();
  }
  const after = await changeNode({ cache, turns }, before, 0, placed);
  const nodes = new Map<Hash, string>();
  const ref = await sealInTurns(after, nodes, turns);
  return { root: ref.hash, nodes };
}

/** Seals a large tree piece by piece. */
async function sealInTurns(node: Child, nodes: Map<Hash, string>, turns: Turns): Promise<Ref> {
  if (node.kind !== "branch") return seal(node, nodes);
  const children: (Child | undefined)[] = [];
  for (const child of node.children) {
    children.push(child && (await sealInTurns(child, nodes, turns)));
    await turns.give();
  }
  return seal({ ...node, children }, nodes);
}

/** Returns the tree of these entries and no others. */
export function buildTree(items: Items): WrittenTree {
  const nodes = new Map<Hash, string>();
  return { root: seal(buildNode(items, 0), nodes).hash, nodes };
}

export interface TreeDifference {
  /** The nodes of the tree after that are not in the same place of the tree before. */
  readonly nodes: readonly Hash[];
  /** The entries that are not the same in both trees, as they are in each of them. */
  readonly before: Items;
  readonly after: Items;
}

/** Compares two trees without reading the parts that are equal. An undefined root is that of an empty tree. */
export async function compareTrees(
  cache: NodeCache,
  before: Hash | undefined,
  after: Hash | undefined,
): Promise<TreeDifference> {
  const nodes: Hash[] = [];
  const items = [new Map<string, EntryHashes>(), new Map<string, EntryHashes>()] as const;
  let pairs: readonly Pair[] = [[before, after]];
  while (pairs.length > 0) {
    const unequal = pairs.filter(([one, other]) => one !== other);
    const loaded = await cache.load(unequal.flat().filter((hashed) => hashed !== undefined));
    pairs = unequal.flatMap((pair) => {
      if (pair[1] !== undefined) nodes.push(pair[1]);
      const [one, other] = pair.map((hashed, side) => {
        const node = hashed === undefined ? undefined : loaded.get(hashed);
        if (node?.kind !== "leaf") return node;
        for (const [key, hashes] of node.items) items[side]?.set(key, hashes);
        return undefined;
      });
      return pairsBelow(one, other);
    });
  }
  for (const [key, hashes] of items[0]) {
    if (items[1].get(key)?.join() !== hashes.join()) continue;
    items[0].delete(key);
    items[1].delete(key);
  }
  return { nodes, before: items[0], after: items[1] };
}

/** Returns the hashes of the values that a head needs and the head before does not need in the same place. */
export async function addedHashes(
  cache: NodeCache,
  before: Head["roots"],
  after: Head["roots"],
): Promise<readonly Hash[]> {
  const hashes: Hash[] = [];
  for (const [name, root] of Object.entries(after)) {
    const { nodes, after: items } = await compareTrees(cache, before[name], root);
    hashes.push(...nodes, ...[...items.values()].flat());
  }
  return hashes;
}

export async function readItems(cache: NodeCache, root: Hash): Promise<Items> {
  return (await compareTrees(cache, undefined, root)).after;
}

type Pair = readonly [Hash | undefined, Hash | undefined];

const pairsBelow = (one: Branch | undefined, other: Branch | undefined): readonly Pair[] =>
  one === undefined && other === undefined
    ? []
    : Array.from({ length: CHILDREN }, (_, at): Pair => [childHash(one, at), childHash(other, at)]);

function childHash(branch: Branch | undefined, at: number): Hash | undefined {
  const child = branch?.children[at];
  return child?.kind === "ref" ? child.hash : undefined;
}

/** A branch to which more items than a leaf may have are added. */
const NO_CHILDREN: Branch = {
  kind: "branch",
  count: 0,
  children: Array.from({ length: CHILDREN }, () => undefined),
};

interface Change {
  readonly key: string;
  readonly hashes: EntryHashes | undefined;
  readonly digits: string;
}

const digitsOf = (key: string): string => hash("sha256", key);

async function loadOne(cache: NodeCache, wanted: Hash): Promise<TreeNode> {
  return (await cache.load([wanted])).get(wanted) ?? EMPTY_LEAF;
}

async function changeNode(
  use: { readonly cache: NodeCache; readonly turns: Turns },
  before: Child,
  depth: number,
  changes: readonly Change[],
): Promise<Child> {
  if (changes.length === 0) return before;
  const { cache, turns } = use;
  await turns.give();
  const node = before.kind === "ref" ? await loadOne(cache, before.hash) : before;
  if (node.kind === "leaf") {
    const items = changeItems(node, changes);
    if (items.size <= MAX_LEAF_ITEMS || depth === MAX_DEPTH) return buildNode(items, depth);
    const placed = [...items].map(([key, hashes]) => ({ key, hashes, digits: digitsOf(key) }));
    return changeNode(use, NO_CHILDREN, depth, placed);
  }
  const grouped = Map.groupBy(changes, ({ digits }) => digitAt(digits, depth));
  const children: (Child | undefined)[] = [];
  for (const [at, child] of node.children.entries()) {
    const changed = await changeNode(use, child ?? EMPTY_LEAF, depth + 1, grouped.get(at) ?? []);
    children.push(changed.count === 0 ? undefined : changed);
  }
  const count = countOf(children);
  if (count > MAX_LEAF_ITEMS) return { kind: "branch", count, children };
  return buildNode(new Map(await itemsBelow(cache, children)), depth);
}

function changeItems({ items }: Leaf, changes: readonly Change[]): Items {
  const changed = new Map(items);
  for (const { key, hashes } of changes) {
    if (hashes === undefined) changed.delete(key);
    else changed.set(key, hashes);
  }
  return changed;
}

async function itemsBelow(
  cache: NodeCache,
  children: Branch["children"],
): Promise<readonly (readonly [string, EntryHashes])[]> {
  const lists = await Promise.all(
    children.map(async (child) => {
      if (child === undefined) return [];
      if (child.kind === "ref") return [...(await readItems(cache, child.hash))];
      return child.kind === "leaf" ? child.items : itemsBelow(cache, child.children);
    }),
  );
  return lists.flat();
}

function buildNode(items: Items, depth: number): TreeNode {
  if (items.size <= MAX_LEAF_ITEMS || depth === MAX_DEPTH) {
    const sorted = [...items].toSorted(([one], [other]) => (one < other ? -1 : 1));
    return { kind: "leaf", count: items.size, items: sorted };
  }
  const grouped = Map.groupBy(items, ([key]) => digitAt(digitsOf(key), depth));
  const children = Array.from({ length: CHILDREN }, (_, at) => {
    const group = grouped.get(at);
    return group === undefined ? undefined : buildNode(new Map(group), depth + 1);
  });
  return { kind: "branch", count: items.size, children };
}

const digitAt = (digits: string, depth: number): number => Number.parseInt(digits[depth] ?? "", 16);

/** Adds the nodes that are not stored to `nodes`. */
function seal(node: Child, nodes: Map<Hash, string>): Ref {
  if (node.kind === "ref") return node;
  const text =
    node.kind === "leaf"
      ? leafText(node)
      : branchText(node.children.map((child) => child && seal(child, nodes)));
  const sealed = valueHashOf(text);
  nodes.set(sealed, text);
  return { kind: "ref", hash: sealed, count: node.count };
}
