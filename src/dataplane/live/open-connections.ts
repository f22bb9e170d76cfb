/** What can be cut short. */
interface Cuttable {
  cut(): void;
}

/** The open connections of a worker. Told when the last one has gone, which is what a drain waits for. */
export class OpenConnections {
  readonly #open = new Set<Cuttable>();
  #onEmpty: (() => void) | undefined;

  get size(): number {
    return this.#open.size;
  }

  add(connection: Cuttable): void {
    this.#open.add(connection);
  }

  delete(connection: Cuttable): void {
    this.#open.delete(connection);
    if (this.#open.size === 0) this.#onEmpty?.();
  }

  /** Resolves at once when none is open. */
  async untilEmpty(): Promise<void> {
    if (this.#open.size === 0) return;
    await new Promise<void>((resolve) => {
      this.#onEmpty = resolve;
    });
  }

  /** Returns how many there were. */
  cutAll(): number {
    const all = [...this.#open];
    for (const connection of all) connection.cut();
    return all.length;
  }
}
