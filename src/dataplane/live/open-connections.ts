/** An object whose sockets can be closed at any time. */
interface Cuttable {
  cut(): void;
}

interface Open extends Cuttable {
  /** Adds the bytes since the last call to the counters. */
  countBytes(): void;
}

/** A connection that can be ended while it waits for its endpoint. */
interface Waiting {
  giveUp(): void;
  /** Stops waiting for an endpoint that the newest rules do not have. */
  reconsider(): void;
}

/** After this time, a connection that waits for its endpoint may be ended to make room for a new one. */
const PATIENCE_MS = 100;

/**
 * The open connections of a worker, and its farewells: sockets of connections that have ended, whose clients still read
 * the final message. When the limit is reached, a new connection replaces the oldest farewell, otherwise the connection
 * that has waited longest for its endpoint. An endpoint that does not answer can therefore not block the clients of
 * other endpoints. A drain waits until all connections and farewells are closed.
 */
export class OpenConnections<Connection extends Open = Open> {
  readonly #open = new Set<Connection>();
  /** The oldest first. */
  readonly #farewells = new Set<Cuttable>();
  /** The open connections that wait for their endpoint, with the time since when. The oldest is first. */
  readonly #waiting = new Map<Waiting, number>();
  #onEmpty: (() => void) | undefined;

  /** Number of open connections, without farewells. */
  get size(): number {
    return this.#open.size;
  }

  /** Number of connections and exchanges that wait for their endpoint. */
  get waitingSize(): number {
    return this.#waiting.size;
  }

  /**
   * Returns whether one more connection may open, if at most `limit` may be open in total. Closes a farewell or a
   * waiting connection if that is necessary.
   */
  hasPlace(limit: number, nowMs: number): boolean {
    if (this.#open.size + this.#farewells.size < limit) return true;
    const [farewell] = this.#farewells;
    if (farewell !== undefined) {
      farewell.cut();
      return true;
    }
    const [longest] = this.#waiting;
    if (longest === undefined || nowMs - longest[1] < PATIENCE_MS) return false;
    longest[0].giveUp();
    return true;
  }

  /** Returns the open connections, the oldest first. */
  all(): Iterable<Connection> {
    return this.#open;
  }

  add(connection: Connection): void {
    this.#open.add(connection);
  }

  delete(connection: Connection & Waiting): void {
    this.#open.delete(connection);
    this.#waiting.delete(connection);
    this.#notifyIfEmpty();
  }

  /** Compares a few numbers for each connection. The deadlines visit each connection ten times as often. */
  countBytes(): void {
    for (const connection of this.#open) connection.countBytes();
  }

  addWaiting(connection: Waiting, nowMs: number): void {
    this.#waiting.set(connection, nowMs);
  }

  deleteWaiting(connection: Waiting): void {
    this.#waiting.delete(connection);
  }

  /** To be called when rules have changed. */
  reconsiderWaiting(): void {
    for (const waiting of this.#waiting.keys()) waiting.reconsider();
  }

  addFarewell(farewell: Cuttable): void {
    this.#farewells.add(farewell);
  }

  deleteFarewell(farewell: Cuttable): void {
    this.#farewells.delete(farewell);
    this.#notifyIfEmpty();
  }

  #notifyIfEmpty(): void {
    if (this.#open.size + this.#farewells.size === 0) this.#onEmpty?.();
  }

  /** Resolves when no connection and no farewell is open. */
  async untilEmpty(): Promise<void> {
    if (this.#open.size + this.#farewells.size === 0) return;
    await new Promise<void>((resolve) => {
      this.#onEmpty = resolve;
    });
  }

  /** Closes all farewells and ends all connections, of which some then have farewells of their own. Returns the number of connections. */
  cutAll(): number {
    for (const farewell of this.#farewells) farewell.cut();
    const all = [...this.#open];
    for (const connection of all) connection.cut();
    return all.length;
  }
}
