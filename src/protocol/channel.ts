import type { BytePipe, PipeHandlers } from "./byte-pipe.ts";
import { FrameReader, HEADER_BYTES } from "./frame-reader.ts";
import { LINES_MARK } from "./line-frames.ts";

export interface ChannelLimits {
  readonly maxFrameBytesOut: number;
  readonly maxFrameBytesIn: number;
  /** How deeply objects and arrays in a received message may be nested. A deeper one takes long to parse and to check. */
  readonly maxDepthIn?: number;
  /** How many bytes may wait for the other side, without the largest waiting frame. */
  readonly maxWaitingBytes: number;
}

export interface ChannelHandlers {
  /** Called with each message, which is a JSON value and not checked further, and the length of its frame. */
  onMessage(message: unknown, bytes: number): void;
  /**
   * Called with the contents of each frame of access lines, which are not checked and valid only until the call returns. A side without it
   * takes such a frame as malformed.
   */
  onLines?(lines: Buffer): void;
  /** Called if the other side sent something that is not a frame. Nothing is read after it. */
  onMalformed(text: string): void;
  /** Called once when the pipe is closed, also if this side has closed it. */
  onClose(): void;
}

/** More than a pipe takes without telling when it has drained. */
const MANY_WAITING_BYTES = 262_144;

/** `full` means that too many bytes wait already. With any outcome except `sent`, no part of the message was sent. */
export type SendOutcome = "sent" | "full" | "too-large" | "closed";

/**
 * Carries messages between the control process and a worker as frames of JSON over a pipe. The IPC of the runtimes is not used:
 * its reader has no bounds, accepts file descriptors, and throws exceptions that the program cannot catch (decision 13).
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
  #drained: PromiseWithResolvers<void> | undefined;
  /** The length of the largest frame that was sent since no bytes waited. */
  #largestWaiting = 0;

  constructor(limits: ChannelLimits, handlers: ChannelHandlers) {
    this.#limits = limits;
    this.#handlers = handlers;
    this.#reader = new FrameReader(limits.maxFrameBytesIn, (frame) => this.#take(frame));
  }

  /** Must be called once, with a pipe whose handlers are this channel. */
  attach(pipe: BytePipe): void {
    this.#pipe = pipe;
    if (this.#isClosed) pipe.close();
  }

  send(message: Out): SendOutcome {
    const pipe = this.#pipe;
    if (pipe === undefined || this.#isClosed) return "closed";
    const text = JSON.stringify(message);
    const length = Buffer.byteLength(text);
    const refusal = this.#refusalOf(pipe, length);
    if (refusal !== undefined) return refusal;
    const frame = Buffer.allocUnsafeSlow(HEADER_BYTES + length);
    frame.write(text, HEADER_BYTES);
    return this.#write(pipe, frame);
  }

  /**
   * Sends a frame of access lines, which start at `LINES_HEADER_BYTES`. The header is written here. The buffer may be used again when no
   * bytes wait.
   */
  sendLines(frame: Buffer): SendOutcome {
    const pipe = this.#pipe;
    if (pipe === undefined || this.#isClosed) return "closed";
    const refusal = this.#refusalOf(pipe, frame.length - HEADER_BYTES);
    if (refusal !== undefined) return refusal;
    frame[HEADER_BYTES] = LINES_MARK;
    return this.#write(pipe, frame);
  }

  /** Returns undefined if a frame with this length may be sent now. */
  #refusalOf(pipe: BytePipe, length: number): "full" | "too-large" | undefined {
    if (length > this.#limits.maxFrameBytesOut) return "too-large";
    const waiting = pipe.waitingBytes;
    if (waiting === 0) this.#largestWaiting = 0;
    const largest = Math.max(this.#largestWaiting, length);
    if (waiting + length - largest > this.#limits.maxWaitingBytes) return "full";
    this.#largestWaiting = largest;
    return undefined;
  }

  #write(pipe: BytePipe, frame: Buffer): SendOutcome {
    frame.writeUInt32BE(frame.length - HEADER_BYTES);
    if (!pipe.write(frame)) return "closed";
    this.#sentBytes += frame.length;
    return "sent";
  }

  /**
   * Resolves when few bytes wait for the other side, or when the pipe is closed. A sender of many messages waits for this
   * between them.
   */
  async untilDrained(): Promise<void> {
    if (this.#isClosed || this.waitingBytes < MANY_WAITING_BYTES) return;
    this.#drained ??= Promise.withResolvers();
    await this.#drained.promise;
  }

  /** Number of bytes that the kernel has not taken yet. */
  get waitingBytes(): number {
    return this.#pipe?.waitingBytes ?? 0;
  }

  /** Number of bytes of all messages so far, including those that wait. */
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

  onDrain(): void {
    this.#drained?.resolve();
    this.#drained = undefined;
  }

  onClose(): void {
    this.onDrain();
    if (this.#isClosed) return;
    this.#isReading = false;
    this.#isClosed = true;
    this.#handlers.onClose();
  }

  #take(frame: Buffer): void {
    // The handler of the previous frame may have closed the channel.
    if (!this.#isReading) return;
    if (frame[0] === LINES_MARK && this.#handlers.onLines !== undefined) {
      this.#handlers.onLines(frame.subarray(1));
      return;
    }
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

/** Returns true if objects and arrays in JSON text are nested deeper than `depth`. */
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
