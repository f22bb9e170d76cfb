import type { HeadRule } from "../head/head-refusal.ts";
import { IS_FORBIDDEN_IN_TRAILERS } from "../head/field-names.ts";
import { HeadFields } from "../head/head-fields.ts";
import { FieldStore } from "./field-store.ts";
import type { FieldSink } from "./hpack/hpack-decoder.ts";

const COLON = 0x3a;

/** Takes the field block of trailers (RFC 9113 section 8.1). Like `RequestBlock`, it is shared by all connections. */
export class TrailerBlock implements FieldSink {
  readonly #store = new FieldStore();
  rule: HeadRule | undefined;

  restart(): void {
    this.#store.restart();
    this.rule = undefined;
  }

  field(
    bytes: Buffer,
    nameStart: number,
    nameEnd: number,
    valueStart: number,
    valueEnd: number,
  ): boolean {
    this.rule =
      bytes[nameStart] === COLON && nameEnd > nameStart
        ? "bad-pseudo-field"
        : this.#store.take(bytes, nameStart, nameEnd, valueStart, valueEnd);
    return this.rule === undefined;
  }

  /** Returns the trailers, of which those are marked that must not be passed on. They are copied, because they may have to wait. */
  copy(): HeadFields | undefined {
    const { fields } = this.#store;
    const { count } = fields;
    if (count === 0) return undefined;
    const copy = new HeadFields();
    const start = fields.nameStart[0] ?? 0;
    copy.bytes = Buffer.from(fields.bytes.subarray(start, fields.lineEnd[count - 1]));
    for (const key of ["nameStart", "nameEnd", "valueStart", "valueEnd", "lineEnd"] as const) {
      for (let index = 0; index < count; index += 1) {
        copy[key][index] = (fields[key][index] ?? 0) - start;
      }
    }
    for (let index = 0; index < count; index += 1) {
      const kind = fields.kind[index] ?? 0;
      copy.kind[index] = kind;
      copy.isHop[index] = IS_FORBIDDEN_IN_TRAILERS[kind] ?? 0;
    }
    copy.count = count;
    return copy;
  }
}

/** Takes a block of which only the compression matters. */
export const IGNORED_BLOCK: FieldSink = { field: () => false };
