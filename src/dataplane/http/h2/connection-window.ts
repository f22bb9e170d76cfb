import { FIRST_WINDOW_BYTES } from "./frames.ts";

const MAX_WINDOW_BYTES = 16 * 1024 * 1024;
/**
 * If the streams keep more than this, the client gets no more credit for the connection. It is what one stream with the widest window and
 * 99 with the first one can keep.
 */
const MAX_KEPT_BYTES = 16 * 1024 * 1024;
/** Clients may wait for a wider window instead of using up one that is narrower than this. */
export const NARROW_BYTES = 16 * 1024;
/** Credit is given in parts of at most this length, so that a client on a long link does not wait for half of a large window. */
const MAX_GRANT_BYTES = 512 * 1024;

/** The least credit that is worth a frame, for the window of a stream or of the connection. */
export const grantOf = (windowBytes: number): number => Math.min(windowBytes / 2, MAX_GRANT_BYTES);

/** What a client may send in all streams together. Streams that are stuck do not hold back the others. */
export class ConnectionWindow {
  /** Bytes that streams keep, because their endpoints do not take them yet. */
  keptBytes = 0;
  #window = FIRST_WINDOW_BYTES;
  #targetBytes = FIRST_WINDOW_BYTES;

  /** Counts a DATA frame, with its padding. Returns false if the window does not allow it. */
  countFrame(bytes: number): boolean {
    this.#window -= bytes;
    return this.#window >= 0;
  }

  /** Whether a client may be waiting for credit. */
  get isNarrow(): boolean {
    return this.#window < NARROW_BYTES;
  }

  /** Makes room for a stream with a window of this size, and for others. */
  growFor(streamWindowBytes: number): void {
    const wanted = Math.min(2 * streamWindowBytes, MAX_WINDOW_BYTES);
    this.#targetBytes = Math.max(this.#targetBytes, wanted);
  }

  /** Takes the credit that the client should get now. Returns 0 if it should get none. */
  takeGrant(): number {
    const missing = this.#targetBytes - this.#window;
    if (missing < grantOf(this.#targetBytes) || this.keptBytes > MAX_KEPT_BYTES) return 0;
    this.#window += missing;
    return missing;
  }
}
