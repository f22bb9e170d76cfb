import type { EntryHashes } from "./tree-node.ts";
import { valueHashOf } from "./value-hash.ts";

/** An entry whose text is longer is stored in several values. */
const MAX_PART_BYTES = 512 * 1024;
/** A UTF-16 code unit has up to three bytes in UTF-8. */
const PART_LENGTH = 128 * 1024;

/** Returns the values that an entry is stored in. */
export function partsOf(text: string): readonly string[] {
  if (Buffer.byteLength(text) <= MAX_PART_BYTES) return [text];
  const parts: string[] = [];
  let from = 0;
  while (from < text.length) {
    const isPairSplit = /[\uD800-\uDBFF]/.test(text[from + PART_LENGTH - 1] ?? "");
    const to = from + PART_LENGTH - (isPairSplit ? 1 : 0);
    parts.push(text.slice(from, to));
    from = to;
  }
  return parts;
}

export const entryHashesOf = (text: string): EntryHashes => partsOf(text).map(valueHashOf);
