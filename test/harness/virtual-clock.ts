import type { Clock } from "#dataplane/live/clock.ts";

interface Interval {
  readonly ms: number;
  readonly tick: () => void;
  nextAtMs: number;
}

/** A clock whose time passes only in `advance`. */
export class VirtualClock implements Clock {
  #nowMs = 0;
  readonly #intervals = new Set<Interval>();

  nowMs(): number {
    return this.#nowMs;
  }

  every(ms: number, tick: () => void): () => void {
    const interval: Interval = { ms, tick, nextAtMs: this.#nowMs + ms };
    this.#intervals.add(interval);
    return () => this.#intervals.delete(interval);
  }

  /** Lets time pass, with every tick that is due on the way, and what follows from each. */
  async advance(ms: number): Promise<void> {
    const endMs = this.#nowMs + ms;
    for (;;) {
      const [first] = [...this.#intervals].toSorted((a, b) => a.nextAtMs - b.nextAtMs);
      if (first === undefined || first.nextAtMs > endMs) break;
      this.#nowMs = first.nextAtMs;
      first.nextAtMs += first.ms;
      first.tick();
      // The consequences of one tick come before the next tick.
      // oxlint-disable-next-line no-await-in-loop
      await untilQuiet();
    }
    this.#nowMs = endMs;
  }
}

/** Resolves when promises and microtasks have run, those that they start included. */
export const untilQuiet = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
