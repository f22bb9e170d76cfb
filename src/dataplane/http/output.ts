import type { WireSocket } from "../wire/wire.ts";
import { writeDigits } from "./write-digits.ts";

/** Above this length, body bytes are not collected any more. */
const MAX_COLLECTED_BYTES = 192 * 1024;
/** What is appended without a check of the length is at most a head or trailers of 64 KiB and the fields that the director adds. */
const CAPACITY_BYTES = MAX_COLLECTED_BYTES + 128 * 1024;
/** A longer run of body bytes is written as it is. Copying it would cost more than a write of its own. */
const MAX_COPIED_BYTES = 32 * 1024;
/** Views of at most this length are kept. Most heads are shorter, and to make a view costs more than to copy a head. */
const MAX_KEPT_VIEW_BYTES = 1_024;
/** Below this length, a loop is faster than a call of the engine. */
const SHORT = 32;

const CR = 13;
const LF = 10;

/**
 * Collects the bytes for one socket, so that a head and the body after it go out in one write. A worker has one for all clients and
 * one for all endpoints: what is collected is flushed before the event ends that caused it.
 */
export class Output {
  readonly bytes = Buffer.allocUnsafeSlow(CAPACITY_BYTES);
  length = 0;
  #written = 0;
  /** Views of the start of the buffer, by their length. */
  readonly #views: (Buffer | undefined)[] = Array.from({ length: MAX_KEPT_VIEW_BYTES + 1 });
  #owner: object | undefined;

  /** Returns the output for this owner. What another owner has collected and not written, because it has ended, is dropped. */
  of(owner: object): this {
    if (this.#owner !== owner) {
      this.#owner = owner;
      this.length = 0;
      this.#written = 0;
    }
    return this;
  }

  /** Appends bytes that surely fit: parts of a head. */
  copy(source: Buffer, from: number, to: number): void {
    const { bytes } = this;
    let at = this.length;
    this.length += to - from;
    if (to - from > SHORT) {
      source.copy(bytes, at, from, to);
      return;
    }
    for (let index = from; index < to; index += 1) {
      bytes[at] = source[index] ?? 0;
      at += 1;
    }
  }

  all(source: Buffer): void {
    this.copy(source, 0, source.length);
  }

  /** Appends characters up to U+00FF, one byte each. */
  text(text: string): void {
    const { bytes } = this;
    const { length } = text;
    let at = this.length;
    this.length += length;
    if (length > SHORT) {
      bytes.write(text, at, "latin1");
      return;
    }
    for (let index = 0; index < length; index += 1) {
      bytes[at] = text.charCodeAt(index);
      at += 1;
    }
  }

  lineEnd(): void {
    const { bytes, length } = this;
    bytes[length] = CR;
    bytes[length + 1] = LF;
    this.length = length + 2;
  }

  /** Appends a number of this base, at most 36, with letters in lower case. */
  number(value: number, base: number): void {
    this.length = writeDigits(this.bytes, this.length, value, base);
  }

  /** Appends a run of body bytes, which may be of any length, or writes it. */
  body(socket: WireSocket, source: Buffer, from: number, to: number, isLent: boolean): void {
    if (to - from <= MAX_COPIED_BYTES) {
      if (this.length + to - from > MAX_COLLECTED_BYTES) this.flush(socket);
      this.copy(source, from, to);
      return;
    }
    this.flush(socket);
    this.#written += to - from;
    const run = from === 0 && to === source.length ? source : source.subarray(from, to);
    socket.write(run, isLent);
  }

  /** Appends a run of body bytes as a chunk (RFC 9112 section 7.1). */
  chunk(socket: WireSocket, source: Buffer, from: number, to: number, isLent: boolean): void {
    this.number(to - from, 16);
    this.lineEnd();
    this.body(socket, source, from, to, isLent);
    this.lineEnd();
  }

  /** Writes what was collected. */
  flush(socket: WireSocket): void {
    if (this.length === 0) return;
    const view = this.#collected();
    this.#written += this.length;
    this.length = 0;
    socket.write(view, true);
  }

  #collected(): Buffer {
    const { length } = this;
    if (length > MAX_KEPT_VIEW_BYTES) return this.bytes.subarray(0, length);
    const view = this.#views[length] ?? this.bytes.subarray(0, length);
    this.#views[length] = view;
    return view;
  }

  /** Returns how many bytes were written since the last call. */
  takeWritten(): number {
    const written = this.#written;
    this.#written = 0;
    return written;
  }

  /** Returns a copy of what was collected. */
  copyOfAll(): Buffer {
    return Buffer.from(this.bytes.subarray(0, this.length));
  }
}
