import { COMMA, HTAB, IS_TOKEN, isWord, NINE, SP, ZERO } from "./ascii.ts";
import { type HeadRefusal, refusalOf } from "./head-refusal.ts";

/** The body is in chunks. */
export const CHUNKED = -1;
/** The body of an answer ends with the connection. */
export const UNTIL_CLOSE = -2;

const CHUNKED_WORD = Buffer.from("chunked", "latin1");
/** The number of digits of 2^53-1. */
const MAX_LENGTH_DIGITS = 16;
const NO_LENGTH = -1;

/** What Content-Length and Transfer-Encoding say about a body (RFC 9112 sections 6.1 to 6.3). */
export class MessageFraming {
  /** The value of Content-Length, or -1. */
  contentLength = NO_LENGTH;
  isChunked = false;
  readonly #mergesLengths: boolean;

  /** If `mergesLengths` is true, equal repeated lengths are one length (RFC 9110 section 8.6). */
  constructor(mergesLengths: boolean) {
    this.#mergesLengths = mergesLengths;
  }

  restart(): void {
    this.contentLength = NO_LENGTH;
    this.isChunked = false;
  }

  /** Takes the value of a Content-Length field: digits only, at most 16 of them and at most 2^53-1. */
  takeContentLength(bytes: Buffer, start: number, end: number): HeadRefusal | undefined {
    if (this.isChunked) return refusalOf("length-with-transfer-encoding");
    if (this.contentLength !== NO_LENGTH && !this.#mergesLengths) {
      return refusalOf("several-content-lengths");
    }
    let at = start;
    for (;;) {
      let elementEnd = at;
      while (elementEnd < end && isDigit(bytes[elementEnd] ?? 0)) elementEnd += 1;
      const length = lengthOf(bytes, at, elementEnd);
      if (length === NO_LENGTH) return refusalOf("bad-content-length");
      if (this.contentLength !== NO_LENGTH && this.contentLength !== length) {
        return refusalOf("several-content-lengths");
      }
      this.contentLength = length;
      if (elementEnd === end) return undefined;
      at = this.#mergesLengths ? startOfNextElement(bytes, elementEnd, end) : -1;
      if (at < 0) return refusalOf("bad-content-length");
    }
  }

  /**
   * Takes the value of a Transfer-Encoding field. The only accepted value is `chunked`. A list of codings that ends with
   * `chunked` is well-formed but unknown. In all other lists the length of the body cannot be told, and they are bad.
   */
  takeTransferEncoding(bytes: Buffer, start: number, end: number): HeadRefusal | undefined {
    if (this.contentLength !== NO_LENGTH) return refusalOf("length-with-transfer-encoding");
    if (this.isChunked) return refusalOf("several-transfer-encodings");
    this.isChunked = isWord(bytes, start, end, CHUNKED_WORD);
    if (this.isChunked) return undefined;
    const isUnknown = endsWithOneChunked(bytes, start, end);
    return refusalOf(isUnknown ? "unknown-transfer-coding" : "bad-transfer-encoding");
  }
}

const isDigit = (byte: number): boolean => byte >= ZERO && byte <= NINE;
const isBlank = (byte: number | undefined): boolean => byte === SP || byte === HTAB;

/** Returns -1 if the digits are not a length. */
function lengthOf(bytes: Buffer, start: number, end: number): number {
  if (end === start || end - start > MAX_LENGTH_DIGITS) return NO_LENGTH;
  let length = 0;
  for (let at = start; at < end; at += 1) length = length * 10 + ((bytes[at] ?? 0) - ZERO);
  return length <= Number.MAX_SAFE_INTEGER ? length : NO_LENGTH;
}

/** Returns the offset after a comma and the white space around it, or -1. */
function startOfNextElement(bytes: Buffer, start: number, end: number): number {
  let at = start;
  while (at < end && isBlank(bytes[at])) at += 1;
  if (at === end || bytes[at] !== COMMA) return -1;
  at += 1;
  while (at < end && isBlank(bytes[at])) at += 1;
  return at;
}

/** Whether the value is a list of codings without parameters, of which the last one only is `chunked`. */
function endsWithOneChunked(bytes: Buffer, start: number, end: number): boolean {
  let at = start;
  for (;;) {
    let codingEnd = at;
    while (codingEnd < end && IS_TOKEN[bytes[codingEnd] ?? 0] === 1) codingEnd += 1;
    if (codingEnd === at) return false;
    const isChunked = isWord(bytes, at, codingEnd, CHUNKED_WORD);
    if (isChunked || codingEnd === end) return isChunked && codingEnd === end;
    at = startOfNextElement(bytes, codingEnd, end);
    if (at < 0) return false;
  }
}
