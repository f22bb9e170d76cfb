import type { HeadFields } from "../head/head-fields.ts";
import { grantOf } from "./connection-window.ts";
import { FIRST_WINDOW_BYTES } from "./frames.ts";
import { KeptBytes } from "./kept-bytes.ts";
import { StreamSender } from "./stream-sender.ts";

const MAX_WINDOW_BYTES = 8 * 1024 * 1024;
/** Clients may wait for a wider window instead of using up one that is narrower than this. */
const NARROW_BYTES = 16 * 1024;

/** What a stream needs of the half of its session that receives. */
export interface ReceiveWindows {
  /** Counts bytes that streams keep. A negative number takes them off. */
  addKept(bytes: number): void;
  /** Takes what a stream needs for a wider window. Returns false if it must keep the one that it has. */
  tryWiden(fromBytes: number, toBytes: number): boolean;
  /** Gives back what a stream took for a window of this size. */
  giveBack(windowBytes: number): void;
  writeWindowUpdate(id: number, increment: number): void;
}

/**
 * The half of a stream that receives. The client gets credit for what was passed on, and more of it while the endpoint takes everything
 * at once. What cannot be passed on is kept.
 */
export abstract class StreamReceiver extends StreamSender {
  protected abstract readonly windows: ReceiveWindows;
  /** Whether the client has sent END_STREAM. */
  hasReceivedEnd = false;
  /** The announced length of the body, or -1. */
  protected announcedBytes = -1;
  #receivedBytes = 0;
  /** What the client may still send. */
  #window = FIRST_WINDOW_BYTES;
  #targetBytes = FIRST_WINDOW_BYTES;
  /** Undefined until the first byte must be kept. */
  #kept: KeptBytes | undefined;
  /** Whether the end was received, but not passed on. */
  #isEndKept = false;
  #keptTrailers: HeadFields | undefined;

  /** Whether bytes can be passed on now. */
  protected abstract readonly takesBody: boolean;
  /** Whether nobody wants the bytes any more. */
  protected abstract readonly isAnswered: boolean;
  protected abstract passOn(bytes: Buffer, from: number, to: number, isLent: boolean): void;
  protected abstract passEndOn(trailers: HeadFields | undefined): void;

  /** Whether the client may be waiting for credit. */
  get mustWait(): boolean {
    return this.#window < NARROW_BYTES;
  }

  /** Counts a DATA frame, with its padding. Returns false if the window does not allow it. */
  countFrame(bytes: number): boolean {
    this.#window -= bytes;
    return this.#window >= 0;
  }

  /** Takes a run of the body. Returns false if the body becomes longer than announced. */
  receive(bytes: Buffer, from: number, to: number, isLent: boolean): boolean {
    this.#receivedBytes += to - from;
    if (this.announcedBytes >= 0 && this.#receivedBytes > this.announcedBytes) return false;
    if (this.isAnswered) return true;
    if (this.#keptBytes === 0 && this.takesBody) {
      this.passOn(bytes, from, to, isLent);
      return true;
    }
    this.#kept ??= new KeptBytes(this.sender.http.h2.buffers);
    this.#kept.append(bytes, from, to);
    this.windows.addKept(to - from);
    return true;
  }

  /** Takes the end of the body. Returns false if the body is shorter than announced. */
  receiveEnd(trailers?: HeadFields): boolean {
    this.hasReceivedEnd = true;
    if (this.announcedBytes >= 0 && this.#receivedBytes !== this.announcedBytes) return false;
    if (this.#keptBytes > 0 || (!this.takesBody && !this.isAnswered)) {
      this.#isEndKept = true;
      this.#keptTrailers = trailers;
    } else {
      this.#giveBack();
      this.passEndOn(trailers);
    }
    return true;
  }

  /** Passes on what was kept, as far as it is taken. */
  protected passKeptOn(): void {
    while (this.takesBody) {
      const kept = this.#kept;
      const first = kept?.first;
      if (kept === undefined || first === undefined) break;
      const bytes = first.end - first.start;
      this.passOn(first.bytes, first.start, first.end, true);
      if (this.#keptBytes === 0) break;
      this.windows.addKept(-bytes);
      kept.drop(bytes);
    }
    if (this.#isEndKept && this.#keptBytes === 0 && this.takesBody) {
      this.#isEndKept = false;
      this.#giveBack();
      this.passEndOn(this.#keptTrailers);
    }
    this.grant();
  }

  protected dropKept(): void {
    this.#isEndKept = false;
    this.#giveBack();
    if (this.#keptBytes === 0) return;
    this.windows.addKept(-this.#keptBytes);
    this.#kept?.clear();
  }

  /** The stream keeps nothing any more, so that others may have wider windows. */
  #giveBack(): void {
    this.windows.giveBack(this.#targetBytes);
    this.#targetBytes = FIRST_WINDOW_BYTES;
  }

  get #keptBytes(): number {
    return this.#kept?.length ?? 0;
  }

  /** Gives the client credit, if enough of the window is used up. */
  grant(): void {
    if (this.hasReceivedEnd || this.isAnswered) return;
    const missing = this.#targetBytes - this.#window - this.#keptBytes;
    if (missing < grantOf(this.#targetBytes)) return;
    const larger = Math.min(2 * this.#targetBytes, MAX_WINDOW_BYTES);
    if (
      this.#keptBytes === 0 &&
      this.takesBody &&
      this.windows.tryWiden(this.#targetBytes, larger)
    ) {
      this.#targetBytes = larger;
    }
    const increment = this.#targetBytes - this.#window - this.#keptBytes;
    this.#window += increment;
    this.windows.writeWindowUpdate(this.id, increment);
  }
}
