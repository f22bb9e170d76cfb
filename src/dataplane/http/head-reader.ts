import { MAX_HEAD_BYTES } from "./head/head-fields.ts";
import type { HeadResult } from "./head/head-refusal.ts";

/** What a parser of heads offers to the reader. */
export interface HeadParser {
  /** Offset after the empty line that ends the head. */
  readonly headEnd: number;
  reset(): void;
  /** `isHead` says that the answer to a HEAD request is parsed. */
  parse(bytes: Buffer, from: number, to: number, isHead?: boolean): HeadResult;
}

const EMPTY = Buffer.alloc(0);
const FIRST_CAPACITY_BYTES = 2_048;

/** Twice the length, so that few copies are made, but no more than the longest head needs. */
const capacityFor = (length: number): number =>
  Math.max(length, Math.min(2 * length, MAX_HEAD_BYTES));

/** A head of which a part has arrived. */
interface PartialHead<Parser> {
  readonly parser: Parser;
  bytes: Buffer;
  length: number;
}

/**
 * Reads heads out of the chunks of a socket. Most heads arrive whole, and are parsed where they are by the parser of the worker.
 * Only an incomplete head is copied, and has a parser of its own until it is whole.
 */
export class HeadReader<Parser extends HeadParser> {
  readonly #shared: Parser;
  readonly #buildParser: () => Parser;
  #partial: PartialHead<Parser> | undefined;
  /** The parser of the head that was read last. */
  parser: Parser;
  /** The bytes that hold the head that was read last, from its offset to `parser.headEnd`, and what has arrived after it. */
  bytes: Buffer = EMPTY;

  constructor(shared: Parser, buildParser: () => Parser) {
    this.#shared = shared;
    this.#buildParser = buildParser;
    this.parser = shared;
  }

  /** Drops the reference to the bytes of the last head, which can be a part of a large buffer. */
  forget(): void {
    this.bytes = EMPTY;
  }

  /** Drops a part of a head. */
  clear(): void {
    this.#partial = undefined;
    this.bytes = EMPTY;
  }

  /** Whether a part of a head has arrived. */
  get isPartial(): boolean {
    return this.#partial !== undefined;
  }

  /** The memory that a part of a head takes. */
  get heldBytes(): number {
    return this.#partial?.bytes.length ?? 0;
  }

  /** Reads from `from`. After "whole", `parser` and `bytes` describe the head, until the next event of any socket. */
  read(chunk: Buffer, from: number, isHead = false): HeadResult {
    if (this.#partial !== undefined) return this.#readOn(this.#partial, chunk, from, isHead);
    const shared = this.#shared;
    shared.reset();
    const result = shared.parse(chunk, from, chunk.length, isHead);
    this.parser = shared;
    this.bytes = chunk;
    if (result === "partial") this.#keep(chunk, from, isHead);
    return result;
  }

  #keep(chunk: Buffer, from: number, isHead: boolean): void {
    const length = chunk.length - from;
    const bytes = Buffer.allocUnsafe(Math.max(FIRST_CAPACITY_BYTES, capacityFor(length)));
    chunk.copy(bytes, 0, from);
    const parser = this.#buildParser();
    parser.parse(bytes, 0, length, isHead);
    this.#partial = { parser, bytes, length };
    this.bytes = EMPTY;
  }

  #readOn(partial: PartialHead<Parser>, chunk: Buffer, from: number, isHead: boolean): HeadResult {
    const added = chunk.length - from;
    if (partial.length + added > partial.bytes.length) {
      const larger = Buffer.allocUnsafe(capacityFor(partial.length + added));
      partial.bytes.copy(larger, 0, 0, partial.length);
      partial.bytes = larger;
    }
    chunk.copy(partial.bytes, partial.length, from);
    partial.length += added;
    const result = partial.parser.parse(partial.bytes, 0, partial.length, isHead);
    if (result === "partial") return result;
    this.#partial = undefined;
    this.parser = partial.parser;
    this.bytes = partial.bytes.subarray(0, partial.length);
    return result;
  }
}
