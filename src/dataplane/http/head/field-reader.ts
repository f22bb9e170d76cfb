import { COLON, CR, HTAB, IS_TEXT, IS_TOKEN, LF, SP } from "./ascii.ts";
import { fieldOf, IS_HOP_BY_HOP } from "./field-names.ts";
import { HeadFields, MAX_FIELDS } from "./head-fields.ts";
import { type HeadRefusal, refusalOf } from "./head-refusal.ts";

/** The states of the reader, which say what the next byte belongs to. */
const LINE_START = 0;
const NAME = 1;
const BEFORE_VALUE = 2;
const VALUE = 3;
const LINE_LF = 4;
const LAST_LF = 5;
const FOLD = 6;

/** "field" means that a watched field has ended. It is the last one of `fields`. */
export type FieldStep = "partial" | "field" | "end" | HeadRefusal;

/**
 * Reads field lines and the empty line after them (RFC 9112 section 5). It never looks at a byte twice, except at white
 * space at the end of a line and at names.
 */
export class FieldReader {
  readonly fields = new HeadFields();
  /** The offset after the empty line. */
  end = 0;
  readonly #watched: Uint8Array;
  readonly #folds: boolean;
  #state = LINE_START;
  #at = 0;
  /** The reader refuses what does not end before this offset. */
  #limit = 0;
  /** Where the part of the value in the current line starts. Everything between it and `valueEnd` is white space. */
  #partStart = 0;
  /** Whether the last field may still continue in a folded line. */
  #isOpen = false;

  /**
   * `watched` has 1 at the kinds of fields that the caller checks. If `folds` is true, a folded line is accepted, and the
   * line break is overwritten with spaces (RFC 9112 section 5.2). Otherwise it is refused.
   */
  constructor(watched: Uint8Array, folds: boolean) {
    this.#watched = watched;
    this.#folds = folds;
  }

  /** Starts at offset `at`. The empty line must end at offset `limit` at the latest. */
  start(at: number, limit: number): void {
    this.fields.count = 0;
    this.#state = LINE_START;
    this.#at = at;
    this.#limit = limit;
    this.#isOpen = false;
  }

  /** Adapts all offsets after the bytes were copied to another place. */
  shift(delta: number): void {
    this.fields.shift(delta);
    this.#at += delta;
    this.#limit += delta;
    this.#partStart += delta;
  }

  /** Continues up to offset `to`. */
  read(bytes: Buffer, to: number): FieldStep {
    const { fields } = this;
    const limit = this.#limit;
    const end = to < limit ? to : limit;
    let at = this.#at;
    let state = this.#state;
    for (;;) {
      if (state === LINE_START) {
        if (at === end) break;
        const byte = bytes[at];
        if (byte === SP || byte === HTAB) {
          if (fields.count === 0) return refusalOf("space-before-field");
          if (!this.#folds) return refusalOf("obs-fold");
          bytes[at - 2] = SP;
          bytes[at - 1] = SP;
          fields.count -= 1;
          state = FOLD;
        } else {
          if (this.#isOpen && this.#closeField()) {
            this.#at = at;
            this.#state = LINE_START;
            return "field";
          }
          if (byte === CR) {
            state = LAST_LF;
            at += 1;
          } else {
            if (fields.count === MAX_FIELDS) return refusalOf("too-many-fields");
            fields.nameStart[fields.count] = at;
            state = NAME;
          }
        }
      }
      if (state === NAME) {
        while (at < end && IS_TOKEN[bytes[at] ?? 0] === 1) at += 1;
        if (at === end) break;
        const start = fields.nameStart[fields.count] ?? 0;
        if (bytes[at] !== COLON || at === start) return nameRefusalOf(bytes[at] ?? 0, at > start);
        fields.nameEnd[fields.count] = at;
        const kind = fieldOf(bytes, start, at);
        fields.kind[fields.count] = kind;
        fields.isHop[fields.count] = IS_HOP_BY_HOP[kind] ?? 0;
        at += 1;
        state = BEFORE_VALUE;
      }
      if (state === FOLD) {
        while (at < end && (bytes[at] === SP || bytes[at] === HTAB)) {
          bytes[at] = SP;
          at += 1;
        }
        if (at === end) break;
        if (fields.valueStart[fields.count] !== fields.valueEnd[fields.count]) {
          this.#partStart = at;
          state = VALUE;
        } else {
          state = BEFORE_VALUE;
        }
      }
      if (state === BEFORE_VALUE) {
        while (at < end && (bytes[at] === SP || bytes[at] === HTAB)) at += 1;
        if (at === end) break;
        fields.valueStart[fields.count] = at;
        fields.valueEnd[fields.count] = at;
        this.#partStart = at;
        state = VALUE;
      }
      if (state === VALUE) {
        while (at < end && IS_TEXT[bytes[at] ?? 0] === 1) at += 1;
        if (at === end) break;
        if (bytes[at] !== CR) return refusalOf(bytes[at] === LF ? "bare-lf" : "bad-field-value");
        let last = at;
        const start = this.#partStart;
        while (last > start && (bytes[last - 1] === SP || bytes[last - 1] === HTAB)) last -= 1;
        if (last > start) fields.valueEnd[fields.count] = last;
        at += 1;
        state = LINE_LF;
      }
      if (state === LINE_LF) {
        if (at === end) break;
        if (bytes[at] !== LF) return refusalOf("bare-cr");
        at += 1;
        fields.lineEnd[fields.count] = at;
        fields.count += 1;
        state = LINE_START;
        this.#isOpen = true;
        if (!this.#folds && this.#closeField()) {
          this.#at = at;
          this.#state = state;
          return "field";
        }
      }
      if (state === LAST_LF) {
        if (at === end) break;
        if (bytes[at] !== LF) return refusalOf("bare-cr");
        this.end = at + 1;
        return "end";
      }
    }
    this.#at = at;
    this.#state = state;
    return at === limit ? refusalOf("long-head") : "partial";
  }

  /** Returns whether the last field is watched. */
  #closeField(): boolean {
    this.#isOpen = false;
    return this.#watched[this.fields.kind[this.fields.count - 1] ?? 0] === 1;
  }
}

/** Returns why a byte ends a name. `hasName` is false if it is the first one of the line. */
function nameRefusalOf(byte: number, hasName: boolean): HeadRefusal {
  if (byte === LF) return refusalOf("bare-lf");
  const isSpace = byte === SP || byte === HTAB;
  return refusalOf(isSpace && hasName ? "space-before-colon" : "bad-field-name");
}
