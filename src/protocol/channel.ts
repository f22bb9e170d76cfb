import type { BytePipe, PipeHandlers } from "./byte-pipe.ts";
import { FrameReader, HEADER_BYTES } from "./frame-reader.ts";

export interface ChannelLimits {
  readonly maxFrameBytesOut: number;
  readonly maxFrameBytesIn: number;
  /** Objects and arrays in one another in what is received. A deeper message takes long to parse and to check. */
  readonly maxDepthIn?: number;
  /** What may wait for the other side, not counting the largest frame that waits. */
  readonly maxWaitingBytes: number;
}

export interface ChannelHandlers {
  /** One JSON value, not checked any further, and how many bytes it took. */
  onMessage(message: unknown, bytes: number): void;
  /** The other side sent something that is not a frame. Nothing is read after it. */
  onMalformed(text: string): void;
  /** Called once, also after `close`. */
  onClose(): void;
}

/** `full`: too much waits already. Unless the message was sent, no part of it was. */
export type SendOutcome = "sent" | "full" | "too-large" | "closed";

/**
 * Messages between the control process and a worker: frames of JSON over a pipe. It does without the runtime's IPC, whose
 * reader throws outside of the program's reach, bounds nothing and takes over descriptors.
 */
export class Channel<Out extends object> implements PipeHandlers {
  readonly #limits: ChannelLimits;
  readonly #handlers: ChannelHandlers;
  readonly #reader: FrameReader;
  readonly #decoder = new TextDecoder("utf-8", { fatal: true });
  #pipe: BytePipe | undefined;
  #isReading = true;
  #sentBytes = 0;
  #isClosed = false;
  /** The largest frame since nothing waited. */
  #largestWaiting = 0;

  constructor(limits: ChannelLimits, handlers: ChannelHandlers) {
    this.#limits = limits;
    this.#handlers = handlers;
    this.#reader = new FrameReader(limits.maxFrameBytesIn, (frame) => this.#take(frame));
  }

  /** To be called once, with a pipe whose handler is this channel. */
  attach(pipe: BytePipe): void {
    this.#pipe = pipe;
    if (this.#isClosed) pipe.close();
  }

  send(message: Out): SendOutcome {
    const pipe = this.#pipe;
    if (pipe === undefined || this.#isClosed) return "closed";
    const text = JSON.stringify(message);
    const length = Buffer.byteLength(text);
    if (length > this.#limits.maxFrameBytesOut) return "too-large";
    const waiting = pipe.waitingBytes;
    if (waiting === 0) this.#largestWaiting = 0;
    const largest = Math.max(this.#largestWaiting, length);
    if (waiting + length - largest > this.#limits.maxWaitingBytes) return "full";
    this.#largestWaiting = largest;
    const frame = Buffer.allocUnsafeSlow(HEADER_BYTES + length);
    frame.writeUInt32BE(length);
    frame.write(text, HEADER_BYTES);
    if (!pipe.write(frame)) return "closed";
    this.#sentBytes += frame.length;
    return "sent";
  }

  /** Bytes that the other side's kernel has not taken yet. */
  get waitingBytes(): number {
    return this.#pipe?.waitingBytes ?? 0;
  }

  /** Of all messages so far, those that wait included. */
  get sentBytes(): number {
    return this.#sentBytes;
  }

  close(): void {
    this.#isReading = false;
    if (this.#isClosed) return;
    if (this.#pipe === undefined) this.#isClosed = true;
    else this.#pipe.close();
  }

  onData(bytes: Buffer): void {
    if (!this.#isReading) return;
    const length = this.#reader.push(bytes);
    if (length !== undefined) this.#refuse(`a frame of ${length} bytes`);
  }

  onClose(): void {
    if (this.#isClosed) return;
    this.#isReading = false;
    this.#isClosed = true;
    this.#handlers.onClose();
  }

  #take(frame: Buffer): void {
    // Whoever took the frame before this one may have closed the channel.
    if (!this.#isReading) return;
    const { maxDepthIn = Infinity } = this.#limits;
    if (maxDepthIn < Infinity && isNestedDeeper(frame, maxDepthIn)) {
      this.#refuse("a frame with too many values in one another");
      return;
    }
    let message: unknown;
    try {
      message = JSON.parse(this.#decoder.decode(frame));
    } catch {
      this.#refuse("a frame that is not JSON");
      return;
    }
    this.#handlers.onMessage(message, frame.length + HEADER_BYTES);
  }

  #refuse(what: string): void {
    if (!this.#isReading) return;
    this.#isReading = false;
    this.#handlers.onMalformed(what);
  }
}

const QUOTE = 0x22;
const BACKSLASH = 0x5c;

/** Whether JSON text has more than `depth` objects and arrays in one another. */
function isNestedDeeper(text: Uint8Array, depth: number): boolean {
  let open = 0;
  let isInString = false;
  for (let at = 0; at < text.length; at += 1) {
    const byte = text[at];
    if (isInString) {
      if (byte === BACKSLASH) at += 1;
      else if (byte === QUOTE) isInString = false;
    } else if (byte === QUOTE) isInString = true;
    else if (byte === 0x5b || byte === 0x7b) {
      open += 1;
      if (open > depth) return true;
    } else if (byte === 0x5d || byte === 0x7d) open -= 1;
  }
  return false;
}
