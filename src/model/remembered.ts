/**
 * Results of functions that depend on nothing but their argument, kept for as long as the argument exists. The argument is frozen with
 * everything in it, so that a kept result cannot become wrong.
 */
export class Remembered<Key extends object, Result> {
  readonly #known = new WeakMap<Key, { readonly result: Result }>();
  readonly #compute: (key: Key) => Result;

  constructor(compute: (key: Key) => Result) {
    this.#compute = compute;
  }

  has(key: Key): boolean {
    return this.#known.has(key);
  }

  of(key: Key): Result {
    const known = this.#known.get(key);
    if (known !== undefined) return known.result;
    const result = this.#compute(frozen(key));
    this.#known.set(key, { result });
    return result;
  }

  /** Notes a result that was computed elsewhere. */
  note(key: Key, result: Result): void {
    if (!this.#known.has(key)) this.#known.set(frozen(key), { result });
  }
}

/** Freezes the value and everything in it. What is frozen already is taken to be frozen throughout. */
export function frozen<Value>(value: Value): Value {
  if (typeof value !== "object" || value === null || Object.isFrozen(value)) return value;
  for (const inner of Object.values(value)) frozen(inner);
  return Object.freeze(value);
}
