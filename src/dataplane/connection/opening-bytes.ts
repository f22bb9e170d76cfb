const NOTHING = Buffer.alloc(0);
const MIN_CAPACITY_BYTES = 256;

/**
 * Gathers the first bytes of a connection in a buffer that doubles. No length that a peer announced makes it grow, and
 * a byte is copied a few times at the most, not once for every byte that follows it.
 */
export class OpeningBytes {
  #buffer: Buffer;
  #length: number;

  /** Keeps `bytes`. */
  constructor(bytes: Buffer = NOTHING) {
    this.#buffer = bytes;
    this.#length = bytes.length;
  }

  /** What the bytes take up in memory. */
  get capacity(): number {
    return this.#buffer.length;
  }

  /** Returns a view of all bytes so far, which is valid until more are added. Keeps the chunk unless it is lent. */
  add(chunk: Buffer, isLent: boolean): Buffer {
    const length = this.#length + chunk.length;
    if (this.#length === 0 && !isLent) {
      this.#buffer = chunk;
    } else {
      if (length > this.#buffer.length) this.#grow(length);
      chunk.copy(this.#buffer, this.#length);
    }
    this.#length = length;
    return this.#buffer.subarray(0, length);
  }

  #grow(length: number): void {
    const grown = Buffer.allocUnsafe(Math.max(MIN_CAPACITY_BYTES, 2 * length));
    this.#buffer.copy(grown, 0, 0, this.#length);
    this.#buffer = grown;
  }
}
