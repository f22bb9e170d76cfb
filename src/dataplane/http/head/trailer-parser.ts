import { IS_FORBIDDEN_IN_TRAILERS, kindTableOf } from "./field-names.ts";
import { FieldReader } from "./field-reader.ts";
import { type HeadFields, MAX_HEAD_BYTES } from "./head-fields.ts";
import type { HeadRefusal } from "./head-refusal.ts";

const NOTHING_WATCHED = kindTableOf([]);

/**
 * Parses the trailer section of a chunked body (RFC 9112 section 7.1.2): fields and an empty line, within the limits of a head. `isHop` of `fields` is 1
 * for the fields that must not be in trailers.
 */
export class TrailerParser {
  readonly fields: HeadFields;
  readonly #reader = new FieldReader(NOTHING_WATCHED, false);

  constructor() {
    this.fields = this.#reader.fields;
  }

  /** The offset after the empty line. It is valid after "whole". */
  get end(): number {
    return this.#reader.end;
  }

  start(at: number): void {
    this.#reader.start(at, at + MAX_HEAD_BYTES);
  }

  /** Continues up to offset `to`. `bytes` may be another buffer with the same bytes at the same offsets. */
  parse(bytes: Buffer, to: number): "partial" | "whole" | HeadRefusal {
    this.fields.bytes = bytes;
    const step = this.#reader.read(bytes, to);
    if (step !== "end") return step === "field" ? "partial" : step;
    const { fields } = this;
    for (let index = 0; index < fields.count; index += 1) {
      fields.isHop[index] = IS_FORBIDDEN_IN_TRAILERS[fields.kind[index] ?? 0] ?? 0;
    }
    return "whole";
  }
}
