/** A map of at most `limit` entries: the one not used for longest makes room. */
export class RecentMap<Key, Value> {
  readonly #limit: number;
  /** Least recently used first: an entry is taken out and put in again with each use. */
  readonly #entries = new Map<Key, Value>();

  constructor(limit: number) {
    this.#limit = limit;
  }

  /** The value of the key, built where there is none; what `build` throws leaves the map as it was. */
  use(key: Key, build: () => Value): Value {
    const value = this.#entries.get(key) ?? build();
    this.#entries.delete(key);
    this.#entries.set(key, value);
    if (this.#entries.size > this.#limit) {
      const oldest = this.#entries.keys().next();
      if (oldest.done !== true) this.#entries.delete(oldest.value);
    }
    return value;
  }

  values(): Iterable<Value> {
    return this.#entries.values();
  }

  deleteWhere(isUnwanted: (value: Value) => boolean): void {
    for (const [key, value] of this.#entries) if (isUnwanted(value)) this.#entries.delete(key);
  }

  clear(): void {
    this.#entries.clear();
  }
}
