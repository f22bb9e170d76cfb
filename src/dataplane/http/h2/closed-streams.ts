/** How a stream was closed: by END_STREAM of both sides, by RST_STREAM of the client, or by that of the director. */
export type Closing = "ended" | "by-client" | "by-director";

const MAX_REMEMBERED = 128;

/**
 * The streams that were closed last. Frames that a client had sent before it knew are ignored, and others are errors (RFC 9113 section
 * 5.1). Of streams that were closed long ago, everything is ignored.
 */
export class ClosedStreams {
  /** The ids and how they were closed, in the order of closing, from `#next` on when the arrays are full. */
  readonly #ids: number[] = [];
  readonly #closings: Closing[] = [];
  #next = 0;
  /** No stream up to this id is remembered. */
  #forgottenUpTo = 0;

  add(id: number, closing: Closing): void {
    const at = this.#next;
    const forgotten = this.#ids[at];
    if (forgotten !== undefined && forgotten > this.#forgottenUpTo) this.#forgottenUpTo = forgotten;
    this.#ids[at] = id;
    this.#closings[at] = closing;
    this.#next = at + 1 === MAX_REMEMBERED ? 0 : at + 1;
  }

  /** Returns undefined for an id that was skipped: the client never opened it. */
  of(id: number): Closing | "long-ago" | undefined {
    // The last one counts, because a stream that the client has reset can be reset by the director too.
    for (let age = 1; age <= this.#ids.length; age += 1) {
      const at = (this.#next - age + MAX_REMEMBERED) % MAX_REMEMBERED;
      if (this.#ids[at] === id) return this.#closings[at];
    }
    return id <= this.#forgottenUpTo ? "long-ago" : undefined;
  }
}
