/** What can be cut short. */
interface Cuttable {
  cut(): void;
}

interface Open extends Cuttable {
  /** Adds what it has carried since the last call to the counters. */
  countBytes(): void;
}

/** What can give its place up. */
interface Waiting {
  giveUp(): void;
}

/** After this long a connection that waits for its endpoint makes room for a new one, if there is no other place. */
const PATIENCE_MS = 100;

/**
 * The open connections of a worker, and the farewells: sockets of connections that are over, whose clients still read
 * the last words. A farewell has a place only for as long as no connection needs it, and a connection that waits for its
 * endpoint gives it up, too: a dead endpoint must not hold what clients of others could use. A drain is told when the last
 * connection and the last farewell have gone.
 */
export class OpenConnections {
  readonly #open = new Set<Open>();
  /** In the order in which they began. */
  readonly #farewells = new Set<Cuttable>();
  /** Those of the open ones that wait for their endpoint, since when; the oldest first. */
  readonly #waiting = new Map<Waiting, number>();
  #onEmpty: (() => void) | undefined;

  /** Without farewells. */
  get size(): number {
    return this.#open.size;
  }

  /** Whether there is a place for one more, at most `limit` in all, made if need be. */
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

  add(connection: Open): void {
    this.#open.add(connection);
  }

  delete(connection: Open & Waiting): void {
    this.#open.delete(connection);
    this.#waiting.delete(connection);
    this.#tellEmpty();
  }

  /** Costs a few comparisons a connection. Deadlines look at each of them ten times as often. */
  countBytes(): void {
    for (const connection of this.#open) connection.countBytes();
  }

  addWaiting(connection: Waiting, nowMs: number): void {
    this.#waiting.set(connection, nowMs);
  }

  deleteWaiting(connection: Waiting): void {
    this.#waiting.delete(connection);
  }

  addFarewell(farewell: Cuttable): void {
    this.#farewells.add(farewell);
  }

  deleteFarewell(farewell: Cuttable): void {
    this.#farewells.delete(farewell);
    this.#tellEmpty();
  }

  #tellEmpty(): void {
    if (this.#open.size + this.#farewells.size === 0) this.#onEmpty?.();
  }

  /** Resolves at once when none is open. */
  async untilEmpty(): Promise<void> {
    if (this.#open.size + this.#farewells.size === 0) return;
    await new Promise<void>((resolve) => {
      this.#onEmpty = resolve;
    });
  }

  /** Returns how many connections there were. */
  cutAll(): number {
    const all = [...this.#open];
    for (const connection of all) connection.cut();
    for (const farewell of this.#farewells) farewell.cut();
    return all.length;
  }
}
