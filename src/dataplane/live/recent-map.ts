/** A map of at most `limit` entries. A new entry replaces the least recently used one. */
export class RecentMap<Key, Value> {
  readonly #limit: number;
  /** The least recently used entry is first. Each use removes the entry and inserts it again at the end. */
  readonly #entries = new Map<Key, Value>();

  constructor(limit: number) {
    this.#limit = limit;
  }

  /** Returns the value of the key, and builds it if it does not exist. If `build` throws, the map does not change. */
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

  deleteWhere(isMatch: (value: Value) => boolean): void {
    for (const [key, value] of this.#entries) if (isMatch(value)) this.#entries.delete(key);
  }

  clear(): void {
    this.#entries.clear();
  }
}
