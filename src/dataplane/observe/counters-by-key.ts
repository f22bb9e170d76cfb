/** What is counted under one key since the last report. */
export interface Countable<Changes> {
  /** Whether everything was reported and no open connection can count more. */
  readonly isSettled: boolean;
  /** Returns undefined if nothing changed since the last call. */
  takeChanges(): Changes | undefined;
}

/** Counters by key. They are kept when the snapshot changes, so that no count is lost. */
export class CountersByKey<Key, Item extends Countable<Changes>, Changes> {
  readonly #byKey = new Map<Key, Item>();
  #round: MapIterator<[Key, Item]> | undefined;

  protected itemOf(key: Key, build: () => Item): Item {
    let item = this.#byKey.get(key);
    if (item === undefined) {
      item = build();
      this.#byKey.set(key, item);
    }
    return item;
  }

  /**
   * Returns the changes of the next keys, of `most` keys at most. Each call continues after the last key of the previous
   * call. Returns none after the last key, and the next call starts again with the first.
   */
  protected takeRound(most: number): readonly (readonly [Key, Changes])[] {
    const taken: (readonly [Key, Changes])[] = [];
    this.#round ??= this.#byKey.entries();
    while (taken.length < most) {
      const next = this.#round.next();
      if (next.done === true) {
        this.#round = undefined;
        break;
      }
      const [key, item] = next.value;
      const changes = item.takeChanges();
      if (changes !== undefined) taken.push([key, changes]);
    }
    return taken;
  }

  /** Deletes counters that have nothing left to report, unless their key is in `keys`. */
  keepOnly(keys: ReadonlySet<Key>): void {
    for (const [key, item] of this.#byKey) {
      if (!keys.has(key) && item.isSettled) this.#byKey.delete(key);
    }
  }
}
