/** Runs shorter than this are joined, so that a client that sends many short frames costs no more memory than one that sends few. */
const BLOCK_BYTES = 16 * 1_024;
const FIRST_BLOCK_BYTES = 1_024;

interface Block {
  readonly bytes: Buffer;
  length: number;
}

/** Bytes that wait, first in, first out. */
export class KeptBytes {
  readonly #blocks: Block[] = [];
  length = 0;

  append(bytes: Buffer, from: number, to: number): void {
    let at = from;
    this.length += to - from;
    while (at < to) {
      let last = this.#blocks.at(-1);
      if (last === undefined || last.length === last.bytes.length) {
        const size = last === undefined ? FIRST_BLOCK_BYTES : BLOCK_BYTES;
        last = { bytes: Buffer.allocUnsafeSlow(size), length: 0 };
        this.#blocks.push(last);
      }
      const end = Math.min(to, at + last.bytes.length - last.length);
      bytes.copy(last.bytes, last.length, at, end);
      last.length += end - at;
      at = end;
    }
  }

  /** Removes the first block, and returns its bytes. Returns undefined if nothing waits. */
  takeBlock(): Buffer | undefined {
    // A window has at most 4 MiB, so there are few blocks to move.
    const block = this.#blocks.shift();
    if (block === undefined) return undefined;
    this.length -= block.length;
    return block.bytes.subarray(0, block.length);
  }

  clear(): void {
    this.#blocks.length = 0;
    this.length = 0;
  }
}
