/** The number of files that are open at the same time. It is well below any open-file limit. */
const CONCURRENT_FILES = 16;

/** Runs `work` for each item, at most `atOnce` at a time. Resolves to the results in the order of `items`. */
export async function inTurn<Item, Result>(
  items: readonly Item[],
  work: (item: Item) => Promise<Result>,
  atOnce = CONCURRENT_FILES,
): Promise<readonly Result[]> {
  const results: Result[] = [];
  const entries = items.entries();
  const workOn = async (): Promise<void> => {
    for (const [index, item] of entries) results[index] = await work(item);
  };
  await Promise.all(Array.from({ length: atOnce }, workOn));
  return results;
}
