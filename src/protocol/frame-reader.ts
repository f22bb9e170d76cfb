/** The length of a header, which contains the length of its frame as an unsigned big-endian number. */
export const HEADER_BYTES = 4;
/** The length of `{}`. */
const MIN_FRAME_BYTES = 2;
const FIRST_CAPACITY = 4_096;
/** A buffer larger than this is released when its frame has been read. */
const KEPT_CAPACITY = 65_536;

/**
 * Splits a byte stream into frames. If a length is out of bounds, reading ends before memory is allocated for that frame, so
 * the largest frame also bounds the memory.
 */
export class FrameReader {
  readonly #maxFrameBytes: number;
  readonly #onFrame: (frame: Buffer) => void;
  /** The bytes of an incomplete frame, with its header. */
  #held: Buffer = Buffer.alloc(0);
  #heldBytes = 0;

  /** A frame is a view of a buffer that is used again, so `onFrame` must not keep it. */
  constructor(maxFrameBytes: number, onFrame: (frame: Buffer) => void) {
    this.#maxFrameBytes = maxFrameBytes;
    this.#onFrame = onFrame;
  }

  /** Returns undefined, or a length that is out of bounds. After that the stream cannot be read any further. */
  push(chunk: Buffer): number | undefined {
    let at = 0;
    while (at < chunk.length) {
      if (this.#heldBytes === 0 && chunk.length - at >= HEADER_BYTES) {
        const length = chunk.readUInt32BE(at);
        if (!this.#isAllowed(length)) return length;
        const end = at + HEADER_BYTES + length;
        if (end <= chunk.length) {
          this.#onFrame(chunk.subarray(at + HEADER_BYTES, end));
          at = end;
          continue;
        }
      }
      const wanted = this.#wantedBytes() - this.#heldBytes;
      at += this.#hold(chunk.subarray(at, at + wanted));
      if (this.#heldBytes === HEADER_BYTES) {
        const length = this.#held.readUInt32BE(0);
        if (!this.#isAllowed(length)) return length;
      } else if (this.#heldBytes > HEADER_BYTES && this.#heldBytes === this.#wantedBytes()) {
        this.#release();
      }
    }
    return undefined;
  }

  #isAllowed(length: number): boolean {
    return length >= MIN_FRAME_BYTES && length <= this.#maxFrameBytes;
  }

  /** How many bytes must be held for the next step: first the header, then the whole frame. */
  #wantedBytes(): number {
    if (this.#heldBytes < HEADER_BYTES) return HEADER_BYTES;
    return HEADER_BYTES + this.#held.readUInt32BE(0);
  }

  #hold(bytes: Buffer): number {
    const capacity = Math.max(FIRST_CAPACITY, this.#wantedBytes());
    if (capacity > this.#held.length) {
      const grown = Buffer.allocUnsafeSlow(capacity);
      this.#held.copy(grown, 0, 0, this.#heldBytes);
      this.#held = grown;
    }
    bytes.copy(this.#held, this.#heldBytes);
    this.#heldBytes += bytes.length;
    return bytes.length;
  }

  #release(): void {
    const frame = this.#held.subarray(HEADER_BYTES, this.#heldBytes);
    this.#heldBytes = 0;
    this.#onFrame(frame);
    if (this.#held.length > KEPT_CAPACITY) this.#held = Buffer.alloc(0);
  }
}
