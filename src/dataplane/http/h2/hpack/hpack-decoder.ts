import { copyBytes } from "./copy-bytes.ts";
import { DynamicTable } from "./dynamic-table.ts";
import { decodeHuffman } from "./huffman-decoder.ts";
import {
  STATIC_ENTRIES,
  STATIC_LINE_START,
  STATIC_LINES,
  STATIC_NAME_LENGTH,
} from "./static-table.ts";

/** The limit for a field block as it was sent. */
export const MAX_BLOCK_BYTES = 65_536;
/** The limit for the fields of a block: the sum of the lengths of their names and values, and 32 for each (RFC 9113 section 6.5.2). */
export const MAX_FIELD_SECTION_BYTES = 65_536;
/** The limit for the number of fields: 100, and the pseudo-fields of a request. */
export const MAX_SECTION_FIELDS = 105;
/**
 * The limit for the bytes of literals with their names from the table. A block within `MAX_BLOCK_BYTES` has at most 105 KB without
 * these names, which take two bytes for up to 4 KB each.
 */
const MAX_LITERAL_BYTES = 262_144;
const FIELD_OVERHEAD_BYTES = 32;

/** The longest name from the table, and the most bytes of a literal that is Huffman-coded: codes have at least 5 bits. */
const MAX_LINE_BYTES = 32_768 + Math.ceil((MAX_BLOCK_BYTES * 8) / 5) + 8;
/** The lines of the block that is being decoded. All decoders use it: a block is decoded at one go. */
const LINES = Buffer.allocUnsafeSlow(MAX_FIELD_SECTION_BYTES + MAX_LINE_BYTES);

/** The representations (RFC 7541 section 6): the first bits of a field, and the largest number in the other bits of the byte. */
const INDEXED = 0x80;
const INCREMENTAL = 0x40;
const SIZE_UPDATE = 0x20;
const NEVER_INDEXED = 0x10;
const HUFFMAN = 0x80;

/** An integer has at most four bytes after its prefix, so it is below 2^29. */
const MAX_INTEGER_SHIFT = 21;

const COLON = 0x3a;
const SP = 0x20;
const CR = 0x0d;
const LF = 0x0a;

/**
 * "whole": all fields were handed over. "cut": the fields are over a limit, or the sink wanted no more, but the table is right.
 * "compression-error": the block is malformed, and the connection must end with COMPRESSION_ERROR. "flood": the block is too long,
 * or asks for far more work than its length allows. The connection must end.
 */
export type HpackResult = "whole" | "cut" | "compression-error" | "flood";

/** Receives the fields of a block. */
export interface FieldSink {
  /**
   * Receives a field as the line `name: value` and CRLF from `nameStart` to `valueEnd` + 2. The lines of a block follow one another
   * in `bytes`, which all decoders share: they are valid until the next block is decoded. Name and value may contain any byte.
   * Returns false to get no more fields of this block. `isNeverIndexed` is RFC 7541 section 6.2.3.
   */
  field(
    bytes: Buffer,
    nameStart: number,
    nameEnd: number,
    valueStart: number,
    valueEnd: number,
    isNeverIndexed: boolean,
  ): boolean;
}

/** Decodes the field blocks of a connection (RFC 7541) in their order. After an error, it must not be used. */
export class HpackDecoder {
  readonly #table: DynamicTable;
  /** The maximum of the table that the encoder may choose. */
  #maxTableBytes: number;
  /** Whether the next block must start with a size update. */
  #mustShrink = false;
  #bytes: Buffer = LINES;
  #at = 0;
  #to = 0;
  #lineStart = 0;
  #isKept = true;
  #fields = 0;
  #fieldBytes = 0;
  #literalBytes = 0;

  /** @param maxTableBytes - SETTINGS_HEADER_TABLE_SIZE. At most 32,768. */
  constructor(maxTableBytes: number) {
    this.#maxTableBytes = maxTableBytes;
    this.#table = new DynamicTable(maxTableBytes);
  }

  /**
   * Lowers the maximum of the table. To be called when the client has acknowledged the SETTINGS. If the table may be larger now, the
   * next block must start with a size update (RFC 7541 section 4.2).
   */
  lowerMaximum(maxTableBytes: number): void {
    this.#maxTableBytes = maxTableBytes;
    this.#mustShrink = this.#table.maxBytes > maxTableBytes;
  }

  /** Decodes a whole block. The time is linear in its length. */
  decode(bytes: Buffer, from: number, to: number, sink: FieldSink): HpackResult {
    if (to - from > MAX_BLOCK_BYTES) return "flood";
    this.#bytes = bytes;
    this.#at = from;
    this.#to = to;
    this.#lineStart = 0;
    this.#isKept = true;
    this.#fields = 0;
    this.#fieldBytes = 0;
    this.#literalBytes = 0;
    if (!this.#readSizeUpdates()) return "compression-error";
    while (this.#at < to) {
      const first = bytes[this.#at] ?? 0;
      const isRight = first >= INDEXED ? this.#readIndexed(sink) : this.#readLiteral(first, sink);
      if (!isRight) return "compression-error";
      if (this.#literalBytes > MAX_LITERAL_BYTES) return "flood";
    }
    return this.#isKept ? "whole" : "cut";
  }

  #readSizeUpdates(): boolean {
    while (this.#at < this.#to) {
      const first = this.#bytes[this.#at] ?? 0;
      if (first < SIZE_UPDATE || first >= INCREMENTAL) break;
      const size = this.#readInteger(SIZE_UPDATE - 1);
      if (size < 0 || size > this.#maxTableBytes) return false;
      this.#table.resize(size);
      this.#mustShrink = false;
    }
    return !this.#mustShrink;
  }

  #readIndexed(sink: FieldSink): boolean {
    const index = this.#readInteger(INDEXED - 1);
    if (index <= 0 || index > STATIC_ENTRIES + this.#table.count) return false;
    if (!this.#isKept) return true;
    const start = this.#lineStart;
    if (index <= STATIC_ENTRIES) {
      const from = STATIC_LINE_START[index] ?? 0;
      const end = copyBytes(STATIC_LINES, from, STATIC_LINE_START[index + 1] ?? 0, LINES, start);
      this.#keep(start + (STATIC_NAME_LENGTH[index] ?? 0), end, false, sink);
      return true;
    }
    const position = index - STATIC_ENTRIES - 1;
    const end = this.#table.copyLine(position, LINES, start);
    this.#keep(start + this.#table.nameLength(position), end, false, sink);
    return true;
  }

  #readLiteral(first: number, sink: FieldSink): boolean {
    const isIncremental = first >= INCREMENTAL;
    if (!isIncremental && first >= SIZE_UPDATE) return false;
    const start = this.#lineStart;
    const index = this.#readInteger(isIncremental ? INCREMENTAL - 1 : NEVER_INDEXED - 1);
    const nameEnd = index === 0 ? this.#readString(start) : this.#copyName(index, start);
    if (nameEnd < 0) return false;
    LINES[nameEnd] = COLON;
    LINES[nameEnd + 1] = SP;
    const valueEnd = this.#readString(nameEnd + 2);
    if (valueEnd < 0) return false;
    LINES[valueEnd] = CR;
    LINES[valueEnd + 1] = LF;
    const end = valueEnd + 2;
    this.#literalBytes += end - start;
    if (isIncremental) this.#table.add(LINES, start, nameEnd, end);
    if (this.#isKept) this.#keep(nameEnd, end, !isIncremental && first >= NEVER_INDEXED, sink);
    return true;
  }

  #copyName(index: number, at: number): number {
    if (index < 0 || index > STATIC_ENTRIES + this.#table.count) return -1;
    if (index > STATIC_ENTRIES) return this.#table.copyName(index - STATIC_ENTRIES - 1, LINES, at);
    const from = STATIC_LINE_START[index] ?? 0;
    return copyBytes(STATIC_LINES, from, from + (STATIC_NAME_LENGTH[index] ?? 0), LINES, at);
  }

  /** Hands over the line from `#lineStart` to `end`, if it is within the limits. */
  #keep(nameEnd: number, end: number, isNeverIndexed: boolean, sink: FieldSink): void {
    const start = this.#lineStart;
    this.#fields += 1;
    this.#fieldBytes += end - start - 4 + FIELD_OVERHEAD_BYTES;
    this.#isKept =
      this.#fields <= MAX_SECTION_FIELDS &&
      this.#fieldBytes <= MAX_FIELD_SECTION_BYTES &&
      sink.field(LINES, start, nameEnd, nameEnd + 2, end - 2, isNeverIndexed);
    if (this.#isKept) this.#lineStart = end;
  }

  /** Reads a string literal (RFC 7541 section 5.2) into the lines. Returns the offset after it, or -1. */
  #readString(at: number): number {
    const isHuffman = this.#at < this.#to && (this.#bytes[this.#at] ?? 0) >= HUFFMAN;
    const length = this.#readInteger(HUFFMAN - 1);
    const from = this.#at;
    if (length < 0 || length > this.#to - from) return -1;
    this.#at = from + length;
    return isHuffman
      ? decodeHuffman(this.#bytes, from, this.#at, LINES, at)
      : copyBytes(this.#bytes, from, this.#at, LINES, at);
  }

  /** Reads an integer (RFC 7541 section 5.1) with this largest number in its prefix. Returns -1 if it is cut off or too long. */
  #readInteger(prefix: number): number {
    if (this.#at >= this.#to) return -1;
    const first = (this.#bytes[this.#at] ?? 0) & prefix;
    this.#at += 1;
    if (first < prefix) return first;
    let value = first;
    for (let shift = 0; shift <= MAX_INTEGER_SHIFT && this.#at < this.#to; shift += 7) {
      const byte = this.#bytes[this.#at] ?? 0;
      this.#at += 1;
      value += (byte & 0x7f) << shift;
      if (byte < 0x80) return value;
    }
    return -1;
  }
}
