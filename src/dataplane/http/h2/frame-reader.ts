import { ERROR, FLAG, FRAME, FRAME_HEAD_BYTES, type Fault, MAX_FRAME_BYTES } from "./frames.ts";

const PREFACE = Buffer.from("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", "latin1");
const FIRST_CAPACITY_BYTES = 256;

export const BAD_FRAME: Fault = { code: ERROR.protocol, cause: "bad-frame" };
export const BAD_FRAME_SIZE: Fault = { code: ERROR.frameSize, cause: "bad-frame-size" };
const BAD_PREFACE: Fault = { code: ERROR.protocol, cause: "bad-preface" };

/** Receives the frames of a connection. */
export interface FrameHandler {
  /** Whether no more frames are wanted. */
  readonly isDone: boolean;
  /** The head of a frame has arrived, and its payload follows. */
  frameBegins(type: number, flags: number, streamId: number, length: number): void;
  /** The payload of a frame other than DATA. */
  payload(bytes: Buffer, from: number, to: number): void;
  /** A run of the payload of a DATA frame, without padding. */
  data(bytes: Buffer, from: number, to: number, isLent: boolean): void;
  dataEnds(): void;
  /** The bytes are not frames. */
  fail(fault: Fault): void;
}

/** What the next byte belongs to. */
type Part = "preface" | "head" | "payload" | "pad-length" | "data" | "padding";

/**
 * Reads the connection preface and then frames out of the chunks of a socket (RFC 9113 sections 3.4, 4.1). DATA is passed on as it
 * arrives. Other frames are handed over when they are whole, so that at most one of them is kept.
 */
export class FrameReader {
  readonly #handler: FrameHandler;
  #part: Part = "preface";
  /** Bytes of the preface or of the head that have arrived. */
  #read = 0;
  #type = 0;
  #flags = 0;
  #streamId = 0;
  /** The length of the payload, then the bytes of it that are missing. */
  #left = 0;
  #padBytes = 0;
  #isFirst = true;
  /** The part of a payload that has arrived. */
  #kept: Buffer | undefined;
  #keptBytes = 0;

  constructor(handler: FrameHandler) {
    this.#handler = handler;
  }

  /** Whether the preface and the first frame, which is SETTINGS, are missing. */
  get isFirst(): boolean {
    return this.#isFirst;
  }

  read(chunk: Buffer, isLent: boolean): void {
    const handler = this.#handler;
    let at = 0;
    while (!handler.isDone && (at < chunk.length || this.#isEmptyPart())) {
      switch (this.#part) {
        case "preface":
          at = this.#readPreface(chunk, at);
          break;
        case "head":
          at = this.#readHead(chunk, at);
          break;
        case "payload":
          at = this.#readPayload(chunk, at);
          break;
        case "pad-length":
          this.#padBytes = chunk[at] ?? 0;
          at += 1;
          this.#left -= 1;
          if (this.#padBytes > this.#left) handler.fail(BAD_FRAME);
          this.#part = "data";
          break;
        case "data":
          at = this.#readData(chunk, at, isLent);
          break;
        case "padding": {
          const end = Math.min(chunk.length, at + this.#left);
          this.#left -= end - at;
          at = end;
          if (this.#left === 0) this.#endData();
          break;
        }
        default:
          this.#part satisfies never;
      }
    }
  }

  /** Whether the part needs no further byte. */
  #isEmptyPart(): boolean {
    const part = this.#part;
    if (part === "payload" || part === "padding") return this.#left === 0;
    return part === "data" && this.#left === this.#padBytes;
  }

  #readPreface(chunk: Buffer, from: number): number {
    let at = from;
    while (at < chunk.length && this.#read < PREFACE.length) {
      if (chunk[at] !== PREFACE[this.#read]) {
        this.#handler.fail(BAD_PREFACE);
        return at;
      }
      at += 1;
      this.#read += 1;
    }
    if (this.#read === PREFACE.length) this.#expectHead();
    return at;
  }

  #expectHead(): void {
    this.#part = "head";
    this.#read = 0;
    this.#left = 0;
    this.#streamId = 0;
  }

  #readHead(chunk: Buffer, from: number): number {
    let at = from;
    while (at < chunk.length && this.#read < FRAME_HEAD_BYTES) {
      const byte = chunk[at] ?? 0;
      const position = this.#read;
      if (position < 3) this.#left = (this.#left << 8) | byte;
      else if (position === 3) this.#type = byte;
      else if (position === 4) this.#flags = byte;
      else this.#streamId = (this.#streamId << 8) | (position === 5 ? byte & 0x7f : byte);
      at += 1;
      this.#read += 1;
    }
    if (this.#read === FRAME_HEAD_BYTES) this.#begin();
    return at;
  }

  #begin(): void {
    const handler = this.#handler;
    const type = this.#type;
    if (this.#isFirst && (type !== FRAME.settings || (this.#flags & FLAG.ack) !== 0)) {
      handler.fail(BAD_PREFACE);
      return;
    }
    this.#isFirst = false;
    if (this.#left > MAX_FRAME_BYTES) {
      handler.fail(BAD_FRAME_SIZE);
      return;
    }
    const isData = type === FRAME.data;
    const isPadded = isData && (this.#flags & FLAG.padded) !== 0;
    if (isPadded && this.#left === 0) {
      handler.fail(BAD_FRAME_SIZE);
      return;
    }
    this.#padBytes = 0;
    this.#part = isPadded ? "pad-length" : isData ? "data" : "payload";
    handler.frameBegins(type, this.#flags, this.#streamId, this.#left);
  }

  #readPayload(chunk: Buffer, from: number): number {
    const missing = this.#left;
    const available = Math.min(chunk.length - from, missing);
    if (this.#kept === undefined && available === missing) {
      this.#expectHead();
      this.#handler.payload(chunk, from, from + missing);
      return from + missing;
    }
    this.#keep(chunk, from, from + available);
    this.#left -= available;
    const kept = this.#kept;
    if (this.#left === 0 && kept !== undefined) {
      const length = this.#keptBytes;
      this.#kept = undefined;
      this.#keptBytes = 0;
      this.#expectHead();
      this.#handler.payload(kept, 0, length);
    }
    return from + available;
  }

  #keep(chunk: Buffer, from: number, to: number): void {
    const wanted = this.#keptBytes + to - from;
    const kept = this.#kept;
    if (kept === undefined || wanted > kept.length) {
      const most = this.#keptBytes + this.#left;
      const capacity = Math.min(most, Math.max(FIRST_CAPACITY_BYTES, 2 * wanted));
      this.#kept = Buffer.allocUnsafeSlow(capacity);
      kept?.copy(this.#kept, 0, 0, this.#keptBytes);
    }
    if (this.#kept !== undefined) chunk.copy(this.#kept, this.#keptBytes, from, to);
    this.#keptBytes = wanted;
  }

  #readData(chunk: Buffer, from: number, isLent: boolean): number {
    const end = Math.min(chunk.length, from + this.#left - this.#padBytes);
    this.#left -= end - from;
    if (end > from) this.#handler.data(chunk, from, end, isLent);
    if (this.#left !== this.#padBytes) return end;
    this.#part = "padding";
    if (this.#left === 0) this.#endData();
    return end;
  }

  #endData(): void {
    this.#expectHead();
    this.#handler.dataEnds();
  }
}
