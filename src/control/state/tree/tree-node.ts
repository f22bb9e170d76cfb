import { DirectorError } from "#model/failure.ts";
import type { Hash } from "../store.ts";
import { isHash } from "./value-hash.ts";

/** The hashes of the parts of the text of one entry. */
export type EntryHashes = readonly Hash[];
export type Items = ReadonlyMap<string, EntryHashes>;

/** Has up to `MAX_LEAF_ITEMS` items, in the order of their keys. */
export interface Leaf {
  readonly kind: "leaf";
  readonly count: number;
  readonly items: readonly (readonly [key: string, hashes: EntryHashes])[];
}

/** Has more items than a leaf may have, in a child for each value of the next digit of the hash of the key. */
export interface Branch {
  readonly kind: "branch";
  readonly count: number;
  readonly children: readonly (Child | undefined)[];
}

/** A node that is stored. */
export interface Ref {
  readonly kind: "ref";
  readonly count: number;
  readonly hash: Hash;
}

export type TreeNode = Leaf | Branch;
export type Child = TreeNode | Ref;

export const MAX_LEAF_ITEMS = 32;
export const CHILDREN = 16;
/** The number of digits of the hash of a key. */
export const MAX_DEPTH = 64;

export const EMPTY_LEAF: Leaf = { kind: "leaf", count: 0, items: [] };

/** `refs` are the children of a branch. */
export const leafText = ({ items }: Leaf): string =>
  JSON.stringify(items.map(([key, hashes]) => [key, ...hashes]));
export const branchText = (refs: readonly (Ref | undefined)[]): string =>
  JSON.stringify({ branch: refs.map((ref) => (ref === undefined ? 0 : [ref.hash, ref.count])) });

/** Throws DirectorError `state-damaged` if the text is not a node. */
export function parseNode(text: string): TreeNode {
  const node = tryParse(text);
  if (node === undefined) throw new DirectorError("state-damaged", "A node cannot be read.");
  return node;
}

function tryParse(text: string): TreeNode | undefined {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return undefined;
  }
  if (Array.isArray(value)) return tryLeaf(value);
  const branch =
    typeof value === "object" && value !== null && "branch" in value ? value.branch : undefined;
  return Array.isArray(branch) ? tryBranch(branch) : undefined;
}

function tryLeaf(list: readonly unknown[]): Leaf | undefined {
  const items = list.flatMap((item): Leaf["items"] => {
    if (!Array.isArray(item)) return [];
    const [key, ...hashes] = item as readonly unknown[];
    return typeof key === "string" && hashes.length > 0 && hashes.every(isHash)
      ? [[key, hashes]]
      : [];
  });
  const isSound = items.length === list.length && items.length <= MAX_LEAF_ITEMS;
  return isSound ? { kind: "leaf", count: items.length, items } : undefined;
}

function tryBranch(list: readonly unknown[]): Branch | undefined {
  const children = list.map((entry): Ref | undefined => {
    const [hash, count] = Array.isArray(entry) ? (entry as readonly unknown[]) : [];
    return isHash(hash) && typeof count === "number" && Number.isSafeInteger(count) && count > 0
      ? { kind: "ref", hash, count }
      : undefined;
  });
  const isSound =
    children.length === CHILDREN &&
    children.every((child, at) => child !== undefined || list[at] === 0);
  return isSound ? { kind: "branch", count: countOf(children), children } : undefined;
}

export const countOf = (children: Branch["children"]): number =>
  children.reduce((sum, child) => sum + (child?.count ?? 0), 0);
