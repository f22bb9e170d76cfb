import { DirectorError } from "#model/failure.ts";
import { MAX_OPERATIONS, type Hash, type Store } from "../store.ts";
import { parseNode, type TreeNode } from "./tree-node.ts";

export type ValueReader = Pick<Store, "values">;

const MAX_NODES = 4_096;

/** Reads values in as many calls as the limits of the store demand. Rejects with `state-damaged` if one is missing. */
export async function readValues(
  store: ValueReader,
  hashes: readonly Hash[],
): Promise<ReadonlyMap<Hash, string>> {
  const values = new Map<Hash, string>();
  for (let at = 0; at < hashes.length; at += MAX_OPERATIONS) {
    const wanted = hashes.slice(at, at + MAX_OPERATIONS);
    const found = await store.values(wanted);
    for (const hash of wanted) {
      const value = found.get(hash);
      if (value === undefined) throw new DirectorError("state-damaged", `${hash} is missing.`);
      values.set(hash, value);
    }
  }
  return values;
}

/** Reads the nodes of trees, and keeps those that were used last. */
export class NodeCache {
  readonly #store: ValueReader;
  readonly #nodes = new Map<Hash, TreeNode>();

  constructor(store: ValueReader) {
    this.#store = store;
  }

  async load(hashes: readonly Hash[]): Promise<ReadonlyMap<Hash, TreeNode>> {
    const loaded = new Map<Hash, TreeNode>();
    const missing: Hash[] = [];
    for (const hash of new Set(hashes)) {
      const node = this.#nodes.get(hash);
      if (node === undefined) missing.push(hash);
      else loaded.set(hash, node);
    }
    for (const [hash, text] of await readValues(this.#store, missing)) {
      loaded.set(hash, parseNode(text));
    }
    for (const [hash, node] of loaded) this.#keep(hash, node);
    return loaded;
  }

  /** Keeps a node that was written, because the next change needs it. */
  add(hash: Hash, text: string): void {
    this.#keep(hash, parseNode(text));
  }

  #keep(hash: Hash, node: TreeNode): void {
    this.#nodes.delete(hash);
    this.#nodes.set(hash, node);
    const [oldest] = this.#nodes.keys();
    if (this.#nodes.size > MAX_NODES && oldest !== undefined) this.#nodes.delete(oldest);
  }
}
