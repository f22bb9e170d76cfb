/** A connection whose handshake is not done. */
export interface Opening {
  /** Counted for it; kept here, as nearly all have none. */
  openingBytes: number;
  /** Ends it, and with it what it holds. */
  shed(): void;
}

/** Less than this is not counted: `maxConnections` bounds it, and nearly every ClientHello fits. */
const UNCOUNTED_BYTES = 4_096;
const LIMIT_BYTES = 64 * 1024 * 1024;

/**
 * What clients have sent that are not through with their handshake: PROXY headers and ClientHellos, of all connections of
 * a worker. Over the limit the one that began first is shed: an honest client needs a few round trips, one that means to
 * fill the memory stays until its deadline.
 */
export class OpeningMemory {
  readonly #limitBytes: number;
  /** In the order in which they began. */
  readonly #held = new Set<Opening>();
  #heldBytes = 0;

  constructor(limitBytes = LIMIT_BYTES) {
    this.#limitBytes = limitBytes;
  }

  /** `bytes` are all that it holds, those of the call before included. */
  hold(opening: Opening, bytes: number): void {
    if (bytes <= UNCOUNTED_BYTES) return this.release(opening);
    this.#heldBytes += bytes - opening.openingBytes;
    opening.openingBytes = bytes;
    this.#held.add(opening);
    while (this.#heldBytes > this.#limitBytes) {
      const [first] = this.#held;
      if (first === undefined) return;
      this.release(first);
      first.shed();
    }
  }

  /** Its handshake is done, or it is over. */
  release(opening: Opening): void {
    if (!this.#held.delete(opening)) return;
    this.#heldBytes -= opening.openingBytes;
    opening.openingBytes = 0;
  }

  get heldBytes(): number {
    return this.#heldBytes;
  }
}
