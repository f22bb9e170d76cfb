import { CR, HEX_VALUE, HTAB, LF, SEMICOLON, SP } from "../head/ascii.ts";
import { HeadFields } from "../head/head-fields.ts";
import { type HeadRefusal, refusalOf } from "../head/head-refusal.ts";
import { ChunkExtension } from "./chunk-extension.ts";
import { TrailerSection } from "./trailer-section.ts";

/** The number of hexadecimal digits of a chunk size, with leading zeros. */
const MAX_SIZE_DIGITS = 16;
export const MAX_EXTENSION_BYTES = 256;
/** By how much the extensions may exceed the data. */
export const MAX_BODY_EXTENSION_BYTES = 16_384;

const NO_TRAILERS = new HeadFields();

/** The states of the decoder, which say what the next byte belongs to. */
const SIZE_START = 0;
const SIZE = 1;
const EXTENSION = 2;
const SIZE_LF = 3;
const DATA = 4;
const DATA_CR = 5;
const DATA_LF = 6;
const TRAILERS_START = 7;
const TRAILERS_LF = 8;
const TRAILERS = 9;

/**
 * Decodes a chunked body (RFC 9112 section 7.1). Chunk sizes have at most 16 digits and are at most 2^53-1. Extensions are
 * checked by their grammar and dropped.
 */
export class ChunkedDecoder {
  /**
   * What `step` found: "data" is a run of body bytes, "more" means that all bytes were read, and "end" means that body and
   * trailers are over. After "end" and a refusal, `reset` must be called before the next body.
   */
  found: "data" | "more" | "end" | HeadRefusal = "more";
  /** The offsets of the run, after "data". */
  dataStart = 0;
  dataEnd = 0;
  readonly #extension = new ChunkExtension();
  #state = SIZE_START;
  #digits = 0;
  /** The size that is being read, then the bytes of the chunk that have not arrived. */
  #remaining = 0;
  #extensionBytes = 0;
  /** The bytes of extensions less those of the data after them. */
  #bodyExtensionBytes = 0;
  /** Most bodies have no trailers. */
  #trailers: TrailerSection | undefined = undefined;

  /** The trailers, after "end". Their bytes are a copy, which stays valid until `reset`. */
  get trailers(): HeadFields {
    return this.#trailers?.fields ?? NO_TRAILERS;
  }

  /** Starts with a new body. */
  reset(): void {
    this.found = "more";
    this.#state = SIZE_START;
    this.#bodyExtensionBytes = 0;
    this.#trailers?.reset();
  }

  /**
   * Continues with the bytes from offset `from` up to offset `to`, and sets `found`. Returns the offset of the first byte
   * that was not read. After "data" that is `dataEnd`, and after "end" the first byte after the body.
   */
  step(bytes: Buffer, from: number, to: number): number {
    let at = from;
    while (at < to) {
      if (this.#state === DATA) return this.#takeData(at, to);
      if (this.#state === TRAILERS) return this.#takeTrailers(bytes, at, to);
      const refusal = this.#takeFraming(bytes[at] ?? 0);
      if (refusal !== undefined) {
        this.found = refusal;
        return at;
      }
      // The first byte of a trailer is read again, as a trailer.
      if (this.#state === TRAILERS) continue;
      at += 1;
      if (this.found === "end") return at;
    }
    this.found = "more";
    return at;
  }

  #takeData(from: number, to: number): number {
    const available = to - from;
    const taken = available < this.#remaining ? available : this.#remaining;
    this.#remaining -= taken;
    this.#bodyExtensionBytes = Math.max(0, this.#bodyExtensionBytes - taken);
    if (this.#remaining === 0) this.#state = DATA_CR;
    this.found = "data";
    this.dataStart = from;
    this.dataEnd = from + taken;
    return this.dataEnd;
  }

  /** Takes a byte of a chunk line, of the CRLF after data, or of the empty line at the end. */
  #takeFraming(byte: number): HeadRefusal | undefined {
    switch (this.#state) {
      case SIZE_START:
        if (HEX_VALUE[byte] === 255) return sizeRefusalOf(byte);
        this.#digits = 1;
        this.#remaining = HEX_VALUE[byte] ?? 0;
        this.#state = SIZE;
        return undefined;
      case SIZE:
        return this.#takeSize(byte);
      case EXTENSION:
        return this.#takeExtension(byte);
      case SIZE_LF:
        if (byte !== LF) return refusalOf("bare-cr");
        this.#state = this.#remaining === 0 ? TRAILERS_START : DATA;
        return undefined;
      case DATA_CR:
        if (byte !== CR) return refusalOf(byte === LF ? "bare-lf" : "bad-chunk-end");
        this.#state = DATA_LF;
        return undefined;
      case DATA_LF:
        if (byte !== LF) return refusalOf("bare-cr");
        this.#state = SIZE_START;
        return undefined;
      case TRAILERS_START:
        this.#state = byte === CR ? TRAILERS_LF : TRAILERS;
        return undefined;
      default:
        if (byte !== LF) return refusalOf("bare-cr");
        this.found = "end";
        return undefined;
    }
  }

  #takeSize(byte: number): HeadRefusal | undefined {
    const value = HEX_VALUE[byte] ?? 255;
    if (value < 16) {
      this.#digits += 1;
      this.#remaining = this.#remaining * 16 + value;
      const isLong = this.#digits > MAX_SIZE_DIGITS || this.#remaining > Number.MAX_SAFE_INTEGER;
      return isLong ? refusalOf("bad-chunk-size") : undefined;
    }
    if (byte === CR) {
      this.#state = SIZE_LF;
      return undefined;
    }
    if (byte !== SEMICOLON && byte !== SP && byte !== HTAB) return sizeRefusalOf(byte);
    this.#extension.restart();
    this.#extensionBytes = 0;
    this.#state = EXTENSION;
    return this.#takeExtension(byte);
  }

  #takeExtension(byte: number): HeadRefusal | undefined {
    if (byte === CR && this.#extension.isWhole) {
      this.#state = SIZE_LF;
      return undefined;
    }
    if (!this.#extension.take(byte)) {
      return refusalOf(byte === LF ? "bare-lf" : "bad-chunk-extension");
    }
    this.#extensionBytes += 1;
    this.#bodyExtensionBytes += 1;
    const isLong =
      this.#extensionBytes > MAX_EXTENSION_BYTES ||
      this.#bodyExtensionBytes > MAX_BODY_EXTENSION_BYTES;
    return isLong ? refusalOf("long-chunk-extension") : undefined;
  }

  #takeTrailers(bytes: Buffer, from: number, to: number): number {
    this.#trailers ??= new TrailerSection();
    const end = this.#trailers.take(bytes, from, to);
    this.found = this.#trailers.found;
    return end;
  }
}

const sizeRefusalOf = (byte: number): HeadRefusal =>
  refusalOf(byte === LF ? "bare-lf" : "bad-chunk-size");
