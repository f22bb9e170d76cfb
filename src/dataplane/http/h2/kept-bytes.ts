import { BLOCK_BYTES, type LentBuffers } from "./lent-buffers.ts";

/** A client that sends a few bytes on each of many streams costs no more memory than this for each. */
const FIRST_BLOCK_BYTES = 1_024;

interface Block {
  readonly bytes: Buffer;
  start: number;
  end: number;
}

/** Bytes that wait, first in, first out. Short runs are joined, so that many short frames cost no more memory than a few long ones. */
export class KeptBytes {
  readonly #buffers: LentBuffers;
  readonly #blocks: Block[] = [];
  length = 0;

  constructor(buffers: LentBuffers) {
    this.#buffers = buffers;
  }

  append(bytes: Buffer, from: number, to: number): void {
    let at = from;
    this.length += to - from;
    while (at < to) {
      let last = this.#blocks.at(-1);
      if (last === undefined || last.end === last.bytes.length) {
        last = { bytes: this.#newBuffer(last === undefined, to - at), start: 0, end: 0 };
        this.#blocks.push(last);
      }
      const end = Math.min(to, at + last.bytes.length - last.end);
      bytes.copy(last.bytes, last.end, at, end);
      last.end += end - at;
      at = end;
    }
  }

  #newBuffer(isFirst: boolean, bytes: number): Buffer {
    return isFirst && bytes <= FIRST_BLOCK_BYTES
      ? Buffer.allocUnsafeSlow(FIRST_BLOCK_BYTES)
      : this.#buffers.take(BLOCK_BYTES);
  }

  /** The first block, or undefined if nothing waits. The bytes are valid until they are dropped. */
  get first(): Readonly<Block> | undefined {
    return this.#blocks[0];
  }

  /** Removes bytes of the first block. */
  drop(bytes: number): void {
    const [block] = this.#blocks;
    if (block === undefined) return;
    this.length -= bytes;
    block.start += bytes;
    if (block.start < block.end) return;
    // A window has at most 8 MiB, so there are few blocks to move.
    this.#blocks.shift();
    this.#buffers.give(block.bytes);
  }

  clear(): void {
    for (const { bytes } of this.#blocks) this.#buffers.give(bytes);
    this.#blocks.length = 0;
    this.length = 0;
  }
}
