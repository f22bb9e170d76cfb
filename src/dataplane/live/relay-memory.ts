/** One direction of a relay whose receiver does not read fast enough: its queue exceeds the high-water mark. */
export interface Congested {
  /** Ends the connection and frees the memory that it holds. */
  shed(): void;
}

/**
 * The memory that a worker holds for slow peers. Above the limit, the connection that has been stuck
 * longest is closed, so that clients that never read cannot block the others.
 */
export class RelayMemory {
  limitBytes = Number.POSITIVE_INFINITY;
  #heldBytes = 0;
  /** The direction that became stuck first is first. */
  readonly #held = new Map<Congested, number>();

  /** Counts what a side holds now. It keeps its place in the order until it is released. */
  hold(side: Congested, bytes: number): void {
    this.#heldBytes += bytes - (this.#held.get(side) ?? 0);
    this.#held.set(side, bytes);
    while (this.#heldBytes > this.limitBytes) {
      const [longest] = this.#held.keys();
      if (longest === undefined) return;
      this.release(longest);
      longest.shed();
    }
  }

  release(side: Congested): void {
    // Most sides never hold anything.
    if (this.#heldBytes === 0) return;
    this.#heldBytes -= this.#held.get(side) ?? 0;
    this.#held.delete(side);
  }

  get heldBytes(): number {
    return this.#heldBytes;
  }
}
