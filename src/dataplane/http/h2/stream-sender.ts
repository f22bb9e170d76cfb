import { HIGH_WATER_MARK_BYTES } from "../../wire/wire.ts";
import type { ErrorCode } from "./frames.ts";
import { KeptBytes } from "./kept-bytes.ts";
import type { SessionSender } from "./session-sender.ts";

/** Below this length of its queue, a stream lets its endpoint be read again. */
const LOW_WATER_MARK_BYTES = HIGH_WATER_MARK_BYTES / 2;

/** The half of a stream that sends. What the windows or the socket do not allow yet is queued. */
export abstract class StreamSender {
  readonly id: number;
  protected readonly sender: SessionSender;
  /** The flow-control window of the client. SETTINGS can make it negative (RFC 9113 section 6.9.2). */
  sendWindow: number;
  urgency = 3;
  isIncremental = false;
  /** Whether the scheduler has the stream. */
  isScheduled = false;
  bytesToClient = 0;
  /** Bytes of the body that are queued. */
  bodyBytesQueued = 0;
  #droppedBytes = 0;
  /** Whether END_STREAM or RST_STREAM was sent. */
  hasSentEnd = false;
  /** Whether RST_STREAM was sent. */
  isReset = false;
  /** Undefined until something must be queued. */
  #queue: KeptBytes | undefined;
  /** What follows the queue: the end with a block of trailers, if there are any, or a reset. */
  #ending: { readonly trailers: Buffer | undefined } | ErrorCode | undefined;

  constructor(id: number, sender: SessionSender) {
    this.id = id;
    this.sender = sender;
    this.sendWindow = sender.peer.initialWindowBytes;
  }

  /** The endpoint can be read again. */
  abstract drained(): void;
  /** Everything was sent. */
  protected abstract sentEnd(): void;

  get queuedBytes(): number {
    return this.bodyBytesQueued + this.sender.stuckBytes;
  }

  get unsentBytes(): number {
    return this.bodyBytesQueued + this.#droppedBytes;
  }

  get isBehind(): boolean {
    return this.bodyBytesQueued >= HIGH_WATER_MARK_BYTES || this.sender.output.isFull;
  }

  /** Whether it has bytes that its window allows to send. */
  get isSendable(): boolean {
    return this.bodyBytesQueued > 0 && this.sendWindow > 0;
  }

  /** Sends a run of the body. The bytes are valid only during the call. */
  sendBody(bytes: Buffer, from: number, to: number): void {
    if (this.hasSentEnd) return;
    const at = this.bodyBytesQueued > 0 ? from : this.sender.tryData(this, bytes, from, to);
    if (at === to) return;
    this.#queue ??= new KeptBytes(this.sender.http.h2.buffers);
    this.#queue.append(bytes, at, to);
    this.sender.addQueued(this, to - at);
    if (this.isSendable) this.sender.schedule(this);
  }

  /** Ends the body. `trailers` is their field block. */
  protected endSending(trailers?: Buffer): void {
    if (this.hasSentEnd || this.#ending !== undefined) return;
    this.#ending = { trailers };
    if (this.bodyBytesQueued === 0) this.#end();
  }

  /** Resets the stream as soon as what is queued was sent. */
  protected resetAfterQueue(code: ErrorCode): void {
    this.#ending = code;
    if (this.bodyBytesQueued === 0) this.#end();
  }

  #end(): void {
    const ending = this.#ending;
    if (ending === undefined || this.hasSentEnd) return;
    this.hasSentEnd = true;
    if (typeof ending === "number") this.writeReset(ending);
    else this.sender.writeEnd(this, ending.trailers);
    this.sentEnd();
  }

  protected writeReset(code: ErrorCode): void {
    this.isReset = true;
    this.sender.writeReset(this.id, code);
  }

  /** Forgets what is queued. */
  dropQueue(): void {
    this.hasSentEnd = true;
    if (this.bodyBytesQueued === 0) return;
    this.#droppedBytes += this.bodyBytesQueued;
    this.#queue?.clear();
    this.sender.addQueued(this, -this.bodyBytesQueued);
  }

  /** Sends of the queue what the windows allow, `bytes` at most. */
  pump(bytes: number): void {
    const before = this.bodyBytesQueued;
    let left = bytes;
    while (left > 0) {
      const first = this.#queue?.first;
      if (first === undefined) break;
      const { start } = first;
      const end = this.sender.writeData(
        this,
        first.bytes,
        start,
        Math.min(start + left, first.end),
      );
      // A client with tiny windows may have been sent away.
      if (end === start || this.hasSentEnd) break;
      left -= end - start;
      this.sender.addQueued(this, start - end);
      this.#queue?.drop(end - start);
    }
    if (this.bodyBytesQueued === 0) this.#end();
    if (before >= LOW_WATER_MARK_BYTES && this.bodyBytesQueued < LOW_WATER_MARK_BYTES) {
      this.drained();
    }
  }
}
