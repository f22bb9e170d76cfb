/**
 * The open streams of a session, at most 100, in the order of their ids. A map would build a new table again and again. On Node, each
 * old table keeps the streams that it had until the whole heap is collected, so that they are copied between the generations.
 */
export class OpenStreams<Stream extends { readonly id: number }> {
  readonly #streams: Stream[] = [];

  get size(): number {
    return this.#streams.length;
  }

  /** Returns the open stream with this id. Frames are most often for one of the last. */
  of(id: number): Stream | undefined {
    for (let at = this.#streams.length - 1; at >= 0; at -= 1) {
      const stream = this.#streams[at];
      if (stream?.id === id) return stream;
    }
    return undefined;
  }

  /** Returns a list of its own, so that streams can be removed meanwhile. */
  all(): readonly Stream[] {
    return [...this.#streams];
  }

  /** Adds a stream. Its id must be higher than the ids of all others. */
  add(stream: Stream): void {
    this.#streams.push(stream);
  }

  remove(stream: Stream): void {
    const at = this.#streams.indexOf(stream);
    if (at >= 0) this.#streams.splice(at, 1);
  }
}
