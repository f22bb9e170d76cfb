import { IS_FORBIDDEN_IN_TRAILERS, kindTableOf } from "../head/field-names.ts";
import { FieldReader } from "../head/field-reader.ts";
import { type HeadFields, MAX_HEAD_BYTES } from "../head/head-fields.ts";
import type { HeadRefusal } from "../head/head-refusal.ts";

const FIRST_CAPACITY = 1024;
/** A larger buffer is not kept for the next body. */
const MAX_KEPT_CAPACITY = 4096;
/** How many bytes are copied at once at most. What follows the trailers is copied in vain. */
const MAX_COPIED = 1024;
const NO_BYTES = Buffer.alloc(0);
const NOTHING_WATCHED = kindTableOf([]);

/**
 * Reads the trailer section of a chunked body: fields and an empty line, within the limits of a head (RFC 9112 section
 * 7.1.2). It copies the bytes together. `isHop` of `fields` is 1 for the fields that must not be in trailers.
 */
export class TrailerSection {
  readonly fields: HeadFields;
  /** "more" means that all bytes were read, and "end" that the section is over. */
  found: "more" | "end" | HeadRefusal = "more";
  readonly #reader = new FieldReader(NOTHING_WATCHED, false);
  #bytes: Buffer = NO_BYTES;
  #length = 0;

  constructor() {
    this.fields = this.#reader.fields;
    this.reset();
  }

  /** Starts with a new section. */
  reset(): void {
    this.found = "more";
    this.#length = 0;
    if (this.#bytes.length > MAX_KEPT_CAPACITY) this.#bytes = NO_BYTES;
    this.#reader.start(0, MAX_HEAD_BYTES);
  }

  /** Continues with the bytes from offset `from` up to offset `to`. Returns the offset of the first byte that was not read. */
  take(bytes: Buffer, from: number, to: number): number {
    let at = from;
    while (at < to) {
      const count = Math.min(to - at, MAX_COPIED);
      this.#append(bytes, at, at + count);
      at += count;
      const step = this.#reader.read(this.#bytes, this.#length);
      if (step === "end") {
        this.#end();
        return at - (this.#length - this.#reader.end);
      }
      if (typeof step === "object") {
        this.found = step;
        return at;
      }
    }
    return at;
  }

  #append(bytes: Buffer, from: number, to: number): void {
    const wanted = this.#length + to - from;
    if (wanted > this.#bytes.length) {
      const capacity = Math.max(FIRST_CAPACITY, this.#bytes.length * 2, wanted);
      const grown = Buffer.allocUnsafeSlow(capacity);
      this.#bytes.copy(grown, 0, 0, this.#length);
      this.#bytes = grown;
      this.fields.bytes = grown;
    }
    bytes.copy(this.#bytes, this.#length, from, to);
    this.#length = wanted;
  }

  #end(): void {
    this.found = "end";
    const { fields } = this;
    for (let index = 0; index < fields.count; index += 1) {
      fields.isHop[index] = IS_FORBIDDEN_IN_TRAILERS[fields.kind[index] ?? 0] ?? 0;
    }
  }
}
