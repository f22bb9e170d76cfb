import type { Hash } from "./store.ts";

/** 8 MiB. With three million hashes, one of 4,000 others is taken for one of them. */
const BITS = 2 ** 26;
const WORDS = 6;

/** A Bloom filter: a set of hashes in memory of a fixed size. It never misses a hash that was added. */
export class HashFilter {
  readonly #bits = new Uint8Array(BITS / 8);

  add(hash: Hash): void {
    for (const bit of bitsOf(hash)) {
      const at = bit >>> 3;
      this.#bits[at] = (this.#bits[at] ?? 0) | (1 << (bit & 7));
    }
  }

  /** Returns true for every hash that was added, and for few others. */
  mayHave(hash: Hash): boolean {
    return bitsOf(hash).every((bit) => ((this.#bits[bit >>> 3] ?? 0) & (1 << (bit & 7))) !== 0);
  }
}

/** A hash is random already, so its words are used as they are. */
function bitsOf(hash: Hash): readonly number[] {
  const bytes = Buffer.from(hash, "base64url");
  return Array.from({ length: WORDS }, (_, at) => bytes.readUInt32LE(at * 4) % BITS);
}
