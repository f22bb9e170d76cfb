/** The weight of an entry if all count the same. */
const oneEach = (): number => 1;

/**
 * A map whose entries have a total weight of at most `limit`. A new entry replaces the least recently used ones. The newest entry
 * stays even if it alone is heavier.
 */
export class RecentMap<Key, Value> {
  readonly #limit: number;
  readonly #weightOf: (value: Value) => number;
  #weight = 0;
  /** The least recently used entry is first. Each use removes the entry and inserts it again at the end. */
  readonly #entries = new Map<Key, Value>();

  /** `weightOf` must always return the same for a value. By default, `limit` is the number of entries. */
  constructor(limit: number, weightOf: (value: Value) => number = oneEach) {
    this.#limit = limit;
    this.#weightOf = weightOf;
  }

  /** The total weight of the entries. */
  get weight(): number {
    return this.#weight;
  }

  /** Returns the value of the key, and builds it if it does not exist. If `build` throws, the map does not change. */
  use(key: Key, build: () => Value): Value {
    const known = this.#entries.get(key);
    const value = known ?? build();
    this.#entries.delete(key);
    this.#entries.set(key, value);
    if (known === undefined) {
      this.#weight += this.#weightOf(value);
      this.#dropOldest();
    }
    return value;
  }

  #dropOldest(): void {
    for (const [key, value] of this.#entries) {
      if (this.#weight <= this.#limit || this.#entries.size === 1) return;
      this.#drop(key, value);
    }
  }

  #drop(key: Key, value: Value): void {
    this.#entries.delete(key);
    this.#weight -= this.#weightOf(value);
  }

  values(): Iterable<Value> {
    return this.#entries.values();
  }

  deleteWhere(isMatch: (value: Value) => boolean): void {
    for (const [key, value] of this.#entries) if (isMatch(value)) this.#drop(key, value);
  }

  clear(): void {
    this.#entries.clear();
    this.#weight = 0;
  }
}
