/** A connection whose handshake is not done. */
export interface Opening {
  /**
   * The bytes that OpeningMemory counts for the connection, 0 for nearly all. They are stored here to avoid a map entry
   * for each connection.
   */
  openingBytes: number;
  /** Ends the connection and frees the memory that it holds. */
  shed(): void;
}

/** Smaller amounts are not counted. `maxConnections` bounds their sum, and nearly every ClientHello is smaller. */
const UNCOUNTED_BYTES = 4_096;
const LIMIT_BYTES = 64 * 1024 * 1024;

/**
 * The memory of unfinished handshakes: PROXY headers and ClientHellos of all connections of a worker. Above the limit,
 * the connection that started first is closed. A legitimate client needs only a few round trips, while a client that
 * tries to exhaust the memory stays until its deadline.
 */
export class OpeningMemory {
  readonly #limitBytes: number;
  /** The connection that started first is first. */
  readonly #held = new Set<Opening>();
  #heldBytes = 0;

  constructor(limitBytes = LIMIT_BYTES) {
    this.#limitBytes = limitBytes;
  }

  /** Sets the number of bytes that the connection holds in total. */
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

  /** Called when the handshake is done or the connection has ended. */
  release(opening: Opening): void {
    if (!this.#held.delete(opening)) return;
    this.#heldBytes -= opening.openingBytes;
    opening.openingBytes = 0;
  }

  get heldBytes(): number {
    return this.#heldBytes;
  }
}
