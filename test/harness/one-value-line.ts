/** A line of the store that has one value, as the key of fingerprints was kept by earlier versions. */
import { EntryTrees } from "#control/state/entry-trees.ts";
import type { Store } from "#control/state/store.ts";
import { headOf } from "./store-contract.ts";

const root = "key";

export async function writeLine(store: Store, line: string, text: string): Promise<void> {
  const tree = await new EntryTrees(store).write(new Map([["key", text]]));
  await store.advance([headOf(line, 1, { roots: { [root]: tree.root }, schema: 1 })]);
}

/** Resolves to undefined if the line has no value. */
export async function readLine(store: Store, line: string): Promise<string | undefined> {
  const hash = (await store.head(line))?.roots[root];
  if (hash === undefined) return undefined;
  return (await new EntryTrees(store).read(hash)).texts.get("key");
}
