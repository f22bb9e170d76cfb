const FIRST_CAPACITY = 1024;
/** A larger buffer is not kept for the next body. */
const MAX_KEPT_CAPACITY = 4096;
/** How many bytes are copied at once at most. What follows the trailers is copied in vain. */
const MAX_COPIED = 1024;
const NO_BYTES = Buffer.alloc(0);

/** The bytes of a trailer section, copied together. It has no buffer until a trailer comes. */
export class TrailerBytes {
  bytes: Buffer = NO_BYTES;
  length = 0;

  reset(): void {
    this.length = 0;
    if (this.bytes.length > MAX_KEPT_CAPACITY) this.bytes = NO_BYTES;
  }

  /** Copies some of the bytes from offset `from` up to offset `to`. Returns how many. */
  append(bytes: Buffer, from: number, to: number): number {
    const count = Math.min(to - from, MAX_COPIED);
    const wanted = this.length + count;
    if (wanted > this.bytes.length) this.#grow(wanted);
    bytes.copy(this.bytes, this.length, from, from + count);
    this.length = wanted;
    return count;
  }

  #grow(wanted: number): void {
    const grown = Buffer.allocUnsafeSlow(Math.max(FIRST_CAPACITY, this.bytes.length * 2, wanted));
    this.bytes.copy(grown, 0, 0, this.length);
    this.bytes = grown;
  }
}
