/** A sequence that a seed repeats (mulberry32), so that a failed run can be run again. */
export class Random {
  readonly seed: number;
  #state: number;

  constructor(seed: number = Date.now() >>> 0) {
    this.seed = seed;
    this.#state = seed;
  }

  /** Returns a number from 0 to less than 1. */
  next(): number {
    this.#state = (this.#state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(this.#state ^ (this.#state >>> 15), this.#state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  }

  /** A whole number from `least` to `most`, small ones as likely as large ones of ten times their size. */
  size(least: number, most: number): number {
    return Math.round(least * (most / least) ** this.next());
  }
}

/** Returns a function whose calls return whole numbers below their limit, the same numbers in every run. */
export function randomBelow(seed: number): (limit: number) => number {
  const random = new Random(seed);
  return (limit) => Math.floor(limit * random.next());
}
