/** A direction of a relay whose sink is over its mark. */
export interface Congested {
  /** Ends its connection, and with it what it holds. */
  shed(): void;
}

/**
 * What the relays of a worker hold for slow readers, in all. Over the limit the connection that has been stuck longest
 * is shed, so that clients who never read cannot stop those who do.
 */
export class RelayMemory {
  limitBytes = Number.POSITIVE_INFINITY;
  #heldBytes = 0;
  /** In the order in which they became stuck. */
  readonly #held = new Map<Congested, number>();

  hold(side: Congested, bytes: number): void {
    this.release(side);
    this.#held.set(side, bytes);
    this.#heldBytes += bytes;
    while (this.#heldBytes > this.limitBytes) {
      const [longest] = this.#held.keys();
      if (longest === undefined) return;
      this.release(longest);
      longest.shed();
    }
  }

  release(side: Congested): void {
    this.#heldBytes -= this.#held.get(side) ?? 0;
    this.#held.delete(side);
  }

  get heldBytes(): number {
    return this.#heldBytes;
  }
}
