import { FIRST_WINDOW_BYTES, MAX_STREAMS } from "./frames.ts";

const MAX_WINDOW_BYTES = 16 * 1024 * 1024;
/**
 * By how much the windows of the streams together may be wider than at first. All streams together can then keep 16 MiB: one with a window
 * of 8 MiB, and others with the first one.
 */
const MAX_GROWTH_BYTES = MAX_WINDOW_BYTES - MAX_STREAMS * FIRST_WINDOW_BYTES;
/** Credit is given in parts of at most this length, so that a client on a long link does not wait for half of a large window. */
const MAX_GRANT_BYTES = 512 * 1024;

/** The least credit that is worth a frame, for the window of a stream or of the connection. */
export const grantOf = (windowBytes: number): number => Math.min(windowBytes / 2, MAX_GRANT_BYTES);

/**
 * What a client may send in all streams together. It opens with what arrives, so that streams that are stuck never hold back the others.
 * What they keep is bounded by their own windows, which are widened from one allowance.
 */
export class ConnectionWindow {
  /** Bytes that streams keep, because their endpoints do not take them yet. */
  keptBytes = 0;
  #window = FIRST_WINDOW_BYTES;
  #targetBytes = FIRST_WINDOW_BYTES;
  /** By how much the windows of streams are wider than at first. */
  #growthBytes = 0;

  /** Counts a DATA frame, with its padding. Returns false if the window does not allow it. */
  countFrame(bytes: number): boolean {
    this.#window -= bytes;
    return this.#window >= 0;
  }

  /** Takes what one stream needs for a wider window, and makes room for it and for others. Returns false if too little is left. */
  tryWiden(fromBytes: number, toBytes: number): boolean {
    const growthBytes = this.#growthBytes + toBytes - fromBytes;
    if (growthBytes > MAX_GROWTH_BYTES) return false;
    this.#growthBytes = growthBytes;
    this.#targetBytes = Math.max(this.#targetBytes, Math.min(2 * toBytes, MAX_WINDOW_BYTES));
    return true;
  }

  /** Gives back what a stream took for a window of this size. */
  giveBack(windowBytes: number): void {
    this.#growthBytes -= windowBytes - FIRST_WINDOW_BYTES;
  }

  /** Takes the credit that the client should get now. Returns 0 if it should get none. */
  takeGrant(): number {
    const missing = this.#targetBytes - this.#window;
    if (missing < grantOf(this.#targetBytes)) return 0;
    this.#window += missing;
    return missing;
  }
}
