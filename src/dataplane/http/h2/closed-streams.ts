/** How a stream was closed: by END_STREAM of both sides, by RST_STREAM of the client, or by that of the director. */
export type Closing = "ended" | "by-client" | "by-director";

const MAX_REMEMBERED = 128;

/**
 * The streams that were closed last. Frames that a client had sent before it knew are ignored, and others are errors (RFC 9113 section
 * 5.1). Of streams that were closed long ago, everything is ignored.
 */
export class ClosedStreams {
  readonly #closings = new Map<number, Closing>();
  /** No stream up to this id is remembered. */
  #forgottenUpTo = 0;

  add(id: number, closing: Closing): void {
    this.#closings.set(id, closing);
    if (this.#closings.size <= MAX_REMEMBERED) return;
    const [oldest] = this.#closings.keys();
    if (oldest === undefined) return;
    this.#closings.delete(oldest);
    this.#forgottenUpTo = Math.max(this.#forgottenUpTo, oldest);
  }

  /** Returns undefined for an id that was skipped: the client never opened it. */
  of(id: number): Closing | "long-ago" | undefined {
    return this.#closings.get(id) ?? (id <= this.#forgottenUpTo ? "long-ago" : undefined);
  }
}
