import { textHashOf } from "../text-hash.ts";

/** The number of entries that a shard has on average, at most. */
const MAX_ENTRIES_PER_SHARD = 64;

/** Returns the number of shards for so many entries by server name: a power of two. */
export function shardCountOf(entries: number): number {
  let count = 1;
  while (count * MAX_ENTRIES_PER_SHARD < entries) count *= 2;
  return count;
}

/** Returns the index of the shard that has the entry of the name, if there is one. */
export const shardOfName = (name: string, count: number): number => textHashOf(name) & (count - 1);
