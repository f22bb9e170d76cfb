/** What can be cut short. */
interface Cuttable {
  cut(): void;
}

/**
 * The open connections of a worker, and the farewells: sockets of connections that are over, whose clients still read
 * the last words. A farewell takes a place only for as long as no connection needs it. What waits for a drain is told
 * when the last of both has gone.
 */
export class OpenConnections {
  readonly #open = new Set<Cuttable>();
  /** In the order in which they began. */
  readonly #farewells = new Set<Cuttable>();
  #onEmpty: (() => void) | undefined;

  /** Without farewells. */
  get size(): number {
    return this.#open.size;
  }

  /** Whether there is a place for one more, at most `limit` in all; the oldest farewell makes room. */
  hasPlace(limit: number): boolean {
    if (this.#open.size + this.#farewells.size < limit) return true;
    const [oldest] = this.#farewells;
    oldest?.cut();
    return oldest !== undefined;
  }

  add(connection: Cuttable): void {
    this.#open.add(connection);
  }

  delete(connection: Cuttable): void {
    this.#open.delete(connection);
    this.#tellEmpty();
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
