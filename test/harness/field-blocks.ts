import assert from "node:assert/strict";
import { HUFFMAN_CODES } from "#dataplane/http/h2/hpack/huffman-code.ts";
import type { FieldSink, HpackDecoder } from "#dataplane/http/h2/hpack/hpack-decoder.ts";
import { STATIC_LINES } from "#dataplane/http/h2/hpack/static-table.ts";
import { bytesOf } from "./parsed-heads.ts";

/** Collects fields as lines. A line starts with `*` if the field must never be indexed. */
export class CollectingSink implements FieldSink {
  readonly lines: string[] = [];
  readonly #limit: number;
  #next = 0;

  /** @param limit - The number of fields after which the sink wants no more. */
  constructor(limit = Infinity) {
    this.#limit = limit;
  }

  field(
    bytes: Buffer,
    nameStart: number,
    nameEnd: number,
    valueStart: number,
    valueEnd: number,
    isNeverIndexed: boolean,
  ): boolean {
    assert.equal(nameStart, this.#next);
    assert.equal(bytes.toString("latin1", nameEnd, valueStart), ": ");
    assert.equal(bytes.toString("latin1", valueEnd, valueEnd + 2), "\r\n");
    this.#next = valueEnd + 2;
    this.lines.push((isNeverIndexed ? "*" : "") + bytes.toString("latin1", nameStart, valueEnd));
    return this.lines.length < this.#limit;
  }
}

interface DecodedBlock {
  readonly result: string;
  readonly lines: readonly string[];
}

/** Decodes a block that stands between other bytes. */
export function decodeBlock(
  decoder: HpackDecoder,
  block: Buffer | string,
  sink = new CollectingSink(),
): DecodedBlock {
  const bytes = typeof block === "string" ? Buffer.from(block, "hex") : block;
  const around = Buffer.concat([Buffer.from([0x82, 0xff]), bytes, Buffer.from([0x80, 0xff])]);
  const result = decoder.decode(around, 2, 2 + bytes.length, sink);
  return { result, lines: sink.lines };
}

/** Returns the dynamic table of a decoder from the newest entry to the oldest. */
export function tableOf(decoder: HpackDecoder): readonly string[] {
  const entries: string[] = [];
  for (let index = 62; ; index += 1) {
    const { result, lines } = decodeBlock(decoder, integerOf(0x80, 7, index));
    if (result !== "whole") return entries;
    entries.push(...lines);
  }
}

/** Returns an integer (RFC 7541 section 5.1) with these first bits and this length of its prefix. */
export function integerOf(first: number, prefixBits: number, value: number): Buffer {
  const most = 2 ** prefixBits - 1;
  if (value < most) return Buffer.from([first + value]);
  const bytes = [first + most];
  let rest = value - most;
  for (; rest >= 128; rest = Math.floor(rest / 128)) bytes.push(128 + (rest % 128));
  return Buffer.from([...bytes, rest]);
}

const BITS_OF_SYMBOL = new Map(
  HUFFMAN_CODES.map(({ symbol, bits, code }) => [symbol, code.toString(2).padStart(bits, "0")]),
);

/** Returns a string literal (RFC 7541 section 5.2). */
export function stringOf(text: string, isHuffman = false): Buffer {
  const bytes = isHuffman ? huffmanOf(text) : bytesOf(text);
  return Buffer.concat([integerOf(isHuffman ? 0x80 : 0, 7, bytes.length), bytes]);
}

function huffmanOf(text: string): Buffer {
  const bits = [...bytesOf(text)].map((byte) => BITS_OF_SYMBOL.get(byte)).join("");
  const octets = bits.padEnd(Math.ceil(bits.length / 8) * 8, "1").match(/.{8}/g) ?? [];
  return Buffer.from(octets.map((octet) => Number.parseInt(octet, 2)));
}

const STATIC_TABLE: readonly string[] = STATIC_LINES.toString("latin1").split("\r\n").slice(0, -1);

/** How a writer represents a field. "indexed" is "incremental" if no entry is equal. */
export interface WrittenField {
  readonly name: string;
  readonly value: string;
  readonly form: "indexed" | "incremental" | "without" | "never";
  readonly isHuffman: boolean;
  /** Whether the name is an index, if an entry has it. */
  readonly hasIndexedName: boolean;
}

/** An encoder of another kind than the one of the data plane: it uses the dynamic table and Huffman codes. */
export class BlockWriter {
  /** From the newest entry to the oldest. */
  table: string[] = [];
  #maxBytes: number;

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes;
  }

  resize(maxBytes: number): Buffer {
    this.#maxBytes = maxBytes;
    this.#evict();
    return integerOf(0x20, 5, maxBytes);
  }

  write({ name, value, form, isHuffman, hasIndexedName }: WrittenField): Buffer {
    const entries = [...STATIC_TABLE, ...this.table];
    const line = `${name}: ${value}`;
    if (form === "indexed" && entries.includes(line)) {
      return integerOf(0x80, 7, entries.indexOf(line) + 1);
    }
    const index = hasIndexedName
      ? entries.findIndex((entry) => entry.startsWith(`${name}: `)) + 1
      : 0;
    const [first, prefixBits] = { never: [0x10, 4], without: [0, 4] }[form as string] ?? [0x40, 6];
    if (form === "indexed" || form === "incremental") {
      this.table.unshift(line);
      this.#evict();
    }
    return Buffer.concat([
      integerOf(first ?? 0, prefixBits ?? 0, index),
      index === 0 ? stringOf(name, isHuffman) : Buffer.alloc(0),
      stringOf(value, isHuffman),
    ]);
  }

  #evict(): void {
    const bytesOfAll = (): number =>
      this.table.reduce((sum, line) => sum + line.length - ": ".length + 32, 0);
    while (bytesOfAll() > this.#maxBytes) this.table.pop();
  }
}
