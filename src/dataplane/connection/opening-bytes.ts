const NOTHING = Buffer.alloc(0);
const MIN_CAPACITY_BYTES = 256;

/**
 * Collects the first bytes of a connection in a buffer that doubles when it is full. Only received bytes make it grow,
 * never a length that the peer announced. Each byte is copied a few times at most, so that the cost is linear even if
 * every chunk is one byte.
 */
export class OpeningBytes {
  #buffer: Buffer;
  #length: number;

  /** Keeps a reference to `bytes`. */
  constructor(bytes: Buffer = NOTHING) {
    this.#buffer = bytes;
    this.#length = bytes.length;
  }

  /** The memory that the buffer occupies, in bytes. */
  get capacity(): number {
    return this.#buffer.length;
  }

  /**
   * Adds a chunk. Returns a view of all bytes so far, which is valid until the next call. A chunk that is not lent may
   * be kept instead of copied.
   */
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
