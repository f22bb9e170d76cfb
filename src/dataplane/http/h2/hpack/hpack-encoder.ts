import { LOWER } from "../../head/ascii.ts";
import { writeDigits } from "../../write-digits.ts";
import { copyBytes } from "./copy-bytes.ts";
import { STATIC_INDEX_OF_NAME } from "./static-table.ts";

/** Where encoded fields are appended. The caller makes sure that they fit: a field takes at most 12 bytes more than its text. */
export interface EncodedOutput {
  readonly bytes: Buffer;
  length: number;
}

const INDEXED = 0x80;
const SIZE_UPDATE_TO_0 = 0x20;
const WITHOUT_INDEXING = 0x00;
const MAX_NAME_INDEX = 0x0f;
const MAX_LENGTH = 0x7f;
/** SETTINGS_HEADER_TABLE_SIZE of a client that has sent none (RFC 9113 section 6.5.2). */
const FIRST_TABLE_BYTES = 4096;

/** The first index of `:status`. */
const STATUS = 8;
const CONTENT_LENGTH = 28;
/** The static index of each status that has one (RFC 7541 appendix A). */
const INDEX_OF_STATUS = new Uint8Array(600);
for (const [offset, status] of [200, 204, 206, 304, 400, 404, 500].entries()) {
  INDEX_OF_STATUS[status] = STATUS + offset;
}

/** The static names that an answer can have, by a hash of their length and two letters. 0 ends a chain. */
const FIRST_OF_HASH = new Uint8Array(256);
const NEXT_OF_INDEX = new Uint8Array(64);
const NAMES: Buffer[] = [];

const hashOf = (length: number, first: number, last: number): number =>
  (length * 7 + (first | 0x20) * 3 + (last | 0x20) * 29) & 0xff;

for (const [name, index] of STATIC_INDEX_OF_NAME) {
  const hash = hashOf(name.length, name.charCodeAt(0), name.charCodeAt(name.length - 1));
  NAMES[index] = Buffer.from(name, "latin1");
  NEXT_OF_INDEX[index] = FIRST_OF_HASH[hash] ?? 0;
  FIRST_OF_HASH[hash] = index;
}

/** Returns the static index of a name, or 0. The case of letters is ignored. */
function staticIndexOf(bytes: Buffer, start: number, end: number): number {
  const length = end - start;
  let index = FIRST_OF_HASH[hashOf(length, bytes[start] ?? 0, bytes[end - 1] ?? 0)] ?? 0;
  while (index !== 0) {
    const name = NAMES[index];
    if (name !== undefined && name.length === length) {
      let at = 0;
      while (at < length && LOWER[bytes[start + at] ?? 0] === name[at]) at += 1;
      if (at === length) return index;
    }
    index = NEXT_OF_INDEX[index] ?? 0;
  }
  return 0;
}

/** Appends an integer (RFC 7541 section 5.1) after the first bits of its byte. */
function writeInteger(output: EncodedOutput, first: number, prefix: number, value: number): void {
  const { bytes } = output;
  let at = output.length;
  if (value < prefix) {
    bytes[at] = first | value;
    output.length = at + 1;
    return;
  }
  bytes[at] = first | prefix;
  at += 1;
  let rest = value - prefix;
  while (rest > 0x7f) {
    bytes[at] = (rest & 0x7f) | 0x80;
    at += 1;
    rest >>>= 7;
  }
  bytes[at] = rest;
  output.length = at + 1;
}

function writeText(output: EncodedOutput, text: string): void {
  writeInteger(output, 0, MAX_LENGTH, text.length);
  output.length += output.bytes.write(text, output.length, "latin1");
}

/**
 * Encodes the field blocks of a connection (RFC 7541): static entries where one is exact, and otherwise literals without indexing.
 * It has no dynamic table, and strings are not Huffman-coded.
 */
export class HpackEncoder {
  #tableBytes = FIRST_TABLE_BYTES;
  #mustUpdate = false;

  /** Takes SETTINGS_HEADER_TABLE_SIZE of the client. A lower one must be answered by a size update (RFC 7541 section 4.2). */
  limitTable(maxTableBytes: number): void {
    if (maxTableBytes < this.#tableBytes) this.#mustUpdate = true;
  }

  /** Starts a block. */
  begin(output: EncodedOutput): void {
    if (!this.#mustUpdate) return;
    this.#mustUpdate = false;
    this.#tableBytes = 0;
    output.bytes[output.length] = SIZE_UPDATE_TO_0;
    output.length += 1;
  }

  /** Appends `:status`, which has three digits. */
  status(output: EncodedOutput, status: number): void {
    const index = INDEX_OF_STATUS[status] ?? 0;
    const { bytes, length } = output;
    if (index !== 0) {
      bytes[length] = INDEXED | index;
      output.length = length + 1;
      return;
    }
    bytes[length] = WITHOUT_INDEXING | STATUS;
    bytes[length + 1] = 3;
    output.length = writeDigits(bytes, length + 2, status, 10);
  }

  /** Appends `content-length`. */
  contentLength(output: EncodedOutput, length: number): void {
    writeInteger(output, WITHOUT_INDEXING, MAX_NAME_INDEX, CONTENT_LENGTH);
    const start = output.length + 1;
    output.length = writeDigits(output.bytes, start, length, 10);
    output.bytes[start - 1] = output.length - start;
  }

  /** Appends a field. Its name is sent in lower case (RFC 9113 section 8.2.1). */
  field(
    output: EncodedOutput,
    source: Buffer,
    nameStart: number,
    nameEnd: number,
    valueStart: number,
    valueEnd: number,
  ): void {
    const index = staticIndexOf(source, nameStart, nameEnd);
    writeInteger(output, WITHOUT_INDEXING, MAX_NAME_INDEX, index);
    const { bytes } = output;
    if (index === 0) {
      writeInteger(output, 0, MAX_LENGTH, nameEnd - nameStart);
      let at = output.length;
      for (let from = nameStart; from < nameEnd; from += 1) {
        bytes[at] = LOWER[source[from] ?? 0] ?? 0;
        at += 1;
      }
      output.length = at;
    }
    writeInteger(output, 0, MAX_LENGTH, valueEnd - valueStart);
    output.length = copyBytes(source, valueStart, valueEnd, bytes, output.length);
  }

  /** Appends a field of characters up to U+00FF. The name must be in lower case. */
  text(output: EncodedOutput, name: string, value: string): void {
    const index = STATIC_INDEX_OF_NAME.get(name) ?? 0;
    writeInteger(output, WITHOUT_INDEXING, MAX_NAME_INDEX, index);
    if (index === 0) writeText(output, name);
    writeText(output, value);
  }
}
