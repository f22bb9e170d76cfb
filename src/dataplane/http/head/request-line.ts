import {
  ASTERISK,
  CR,
  DOT,
  ESCAPED,
  IS_TARGET,
  IS_TOKEN,
  isWord,
  LF,
  NINE,
  QUESTION_MARK,
  SLASH,
  SP,
  ZERO,
} from "./ascii.ts";
import { isAuthority } from "./authority.ts";
import { type HeadRefusal, refusalOf } from "./head-refusal.ts";
import { methodOf } from "./known-methods.ts";
import { hasBadEscape } from "./path-escapes.ts";

/** The limit for a request line without its CRLF. RFC 9112 section 3 recommends at least 8,000 bytes. */
export const MAX_REQUEST_LINE_BYTES = 16_384;
export const MAX_METHOD_BYTES = 32;
/** A longer token before the first space is no method of any version of HTTP. */
export const MAX_METHOD_TOKEN_BYTES = 1_024;

const HTTPS = Buffer.from("https://", "latin1");
const HTTP_SLASH = Buffer.from("HTTP/", "latin1");
/** The bytes of ` HTTP/1.1`. */
const VERSION_BYTES = 9;

/** The states of the reader, which say what the next byte belongs to. */
const BEFORE = 0;
const EMPTY_LINE_LF = 1;
const AFTER_EMPTY_LINE = 2;
const METHOD = 3;
const TARGET = 4;
const VERSION = 5;

/** Reads a request line (RFC 9112 section 3). All positions are offsets in the bytes that were given last. */
export class RequestLine {
  method = "";
  isIdempotent = false;
  form: "origin" | "absolute" | "asterisk" = "origin";
  /** Where the method starts, after an empty line. */
  start = 0;
  /** The offset after the CRLF. */
  end = 0;
  targetStart = 0;
  targetEnd = 0;
  /** The start of the path, which ends with the target. */
  pathStart = 0;
  /** The authority of an absolute form. It is empty in other forms. */
  authorityStart = 0;
  authorityEnd = 0;
  isHttp10 = false;
  #state = BEFORE;
  #at = 0;
  #versionStart = 0;
  /** All values of IS_TARGET of the bytes of the target. */
  #targetClasses = 0;

  restart(at: number): void {
    this.method = "";
    this.#state = BEFORE;
    this.#at = at;
    this.start = at;
  }

  /** Adapts all offsets after the bytes were copied to another place. */
  shift(delta: number): void {
    this.start += delta;
    this.end += delta;
    this.targetStart += delta;
    this.targetEnd += delta;
    this.pathStart += delta;
    this.authorityStart += delta;
    this.authorityEnd += delta;
    this.#at += delta;
    this.#versionStart += delta;
  }

  /** Continues up to offset `to`. */
  read(bytes: Buffer, to: number): "partial" | "whole" | HeadRefusal {
    if (this.#state < METHOD) {
      const outcome = this.#readEmptyLine(bytes, to);
      if (outcome !== undefined) return outcome;
    }
    if (this.#state === METHOD) {
      const outcome = this.#readMethod(bytes, to);
      if (outcome !== undefined) return outcome;
    }
    if (this.#state === TARGET) {
      const outcome = this.#readTarget(bytes, to);
      if (outcome !== undefined) return outcome;
    }
    return this.#readVersion(bytes, to);
  }

  #readEmptyLine(bytes: Buffer, to: number): "partial" | HeadRefusal | undefined {
    if (this.#at === to) return "partial";
    if (this.#state === BEFORE && bytes[this.#at] === CR) {
      this.#state = EMPTY_LINE_LF;
      this.#at += 1;
      if (this.#at === to) return "partial";
    }
    if (this.#state === EMPTY_LINE_LF) {
      if (bytes[this.#at] !== LF) return refusalOf("bare-cr");
      this.#state = AFTER_EMPTY_LINE;
      this.#at += 1;
      if (this.#at === to) return "partial";
    }
    if (bytes[this.#at] === CR) return refusalOf("empty-lines");
    this.start = this.#at;
    this.#state = METHOD;
    return undefined;
  }

  #readMethod(bytes: Buffer, to: number): "partial" | HeadRefusal | undefined {
    const { start } = this;
    const limit = start + MAX_METHOD_TOKEN_BYTES;
    let at = this.#at;
    while (at < to && IS_TOKEN[bytes[at] ?? 0] === 1) {
      if (at === limit) return refusalOf("bad-method");
      at += 1;
    }
    this.#at = at;
    if (at === to) return "partial";
    if (bytes[at] === LF) return refusalOf("bare-lf");
    if (bytes[at] !== SP || at === start) return refusalOf("bad-method");
    if (at > start + MAX_METHOD_BYTES) return refusalOf("long-method");
    const { text, isIdempotent } = methodOf(bytes, start, at);
    this.method = text;
    this.isIdempotent = isIdempotent;
    if (this.method === "TRACE") return refusalOf("trace-method");
    if (this.method === "CONNECT") return refusalOf("connect-method");
    this.#at = at + 1;
    this.targetStart = at + 1;
    this.#targetClasses = 0;
    this.#state = TARGET;
    return undefined;
  }

  #readTarget(bytes: Buffer, to: number): "partial" | HeadRefusal | undefined {
    const limit = this.start + MAX_REQUEST_LINE_BYTES - VERSION_BYTES;
    let at = this.#at;
    let classes = this.#targetClasses;
    while (at < to) {
      const ofByte = IS_TARGET[bytes[at] ?? 0] ?? 0;
      if (ofByte === 0) break;
      if (at === limit) return refusalOf("long-request-line");
      classes |= ofByte;
      at += 1;
    }
    this.#targetClasses = classes;
    this.#at = at;
    if (at === to) return "partial";
    const byte = bytes[at];
    if (byte === LF) return refusalOf("bare-lf");
    // A request line of HTTP/0.9 has no version.
    if (byte === CR && at > this.targetStart) return refusalOf("bad-version");
    if (byte !== SP || at === this.targetStart) return refusalOf("bad-target");
    this.targetEnd = at;
    const refusal = this.#takeTarget(bytes);
    if (refusal !== undefined) return refusal;
    if ((classes & ESCAPED) !== 0 && hasBadEscape(bytes, this.pathStart, at)) {
      return refusalOf("bad-target");
    }
    this.#at = at + 1;
    this.#versionStart = at + 1;
    this.#state = VERSION;
    return undefined;
  }

  #takeTarget(bytes: Buffer): HeadRefusal | undefined {
    const { targetStart, targetEnd } = this;
    this.pathStart = targetStart;
    this.authorityStart = targetStart;
    this.authorityEnd = targetStart;
    if (bytes[targetStart] === SLASH) {
      this.form = "origin";
      return undefined;
    }
    if (bytes[targetStart] === ASTERISK && targetEnd === targetStart + 1) {
      this.form = "asterisk";
      return this.method === "OPTIONS" ? undefined : refusalOf("bad-target");
    }
    this.form = "absolute";
    const start = targetStart + HTTPS.length;
    if (start > targetEnd || !isWord(bytes, targetStart, start, HTTPS)) {
      const schemeEnd = bytes.subarray(targetStart, targetEnd).indexOf("://");
      return refusalOf(schemeEnd > 0 ? "bad-scheme" : "bad-target");
    }
    let end = start;
    while (end < targetEnd && bytes[end] !== SLASH && bytes[end] !== QUESTION_MARK) end += 1;
    this.authorityStart = start;
    this.authorityEnd = end;
    this.pathStart = end;
    return isAuthority(bytes, start, end) ? undefined : refusalOf("bad-host");
  }

  /** The version is exact to the byte (RFC 9112 section 2.3), and nothing follows it. */
  #readVersion(bytes: Buffer, to: number): "partial" | "whole" | HeadRefusal {
    const start = this.#versionStart;
    let at = this.#at;
    for (; at < to; at += 1) {
      const byte = bytes[at] ?? 0;
      const position = at - start;
      if (position < HTTP_SLASH.length) {
        if (byte !== HTTP_SLASH[position]) return versionRefusalOf(byte);
      } else if (position === 6) {
        if (byte !== DOT) return versionRefusalOf(byte);
      } else if (position < 8) {
        if (byte < ZERO || byte > NINE) return versionRefusalOf(byte);
        if (position === 7) {
          if (bytes[at - 2] !== ZERO + 1 || byte > ZERO + 1) return refusalOf("unknown-version");
          this.isHttp10 = byte === ZERO;
        }
      } else if (position === 8) {
        if (byte !== CR) return versionRefusalOf(byte);
      } else {
        if (byte !== LF) return refusalOf("bare-cr");
        this.end = at + 1;
        return "whole";
      }
    }
    this.#at = at;
    return "partial";
  }
}

const versionRefusalOf = (byte: number): HeadRefusal =>
  refusalOf(byte === LF ? "bare-lf" : "bad-version");
