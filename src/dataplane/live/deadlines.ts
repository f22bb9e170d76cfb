import { SYSTEM_CLOCK, type Clock } from "./clock.ts";

/** An object with a deadline. */
export interface Deadlined {
  /** Monotonic milliseconds, as in `Deadlines.nowMs`. Infinity if there is no deadline. */
  deadlineAtMs: number;
  /**
   * Called when the deadline has passed. It is called again at each tick until the deadline moves or the object is
   * removed.
   */
  onDeadline(): void;
}

const TICK_MS = 100;

/**
 * One timer for all connections of a worker. Moving a deadline is an assignment. A timer for each connection would have
 * to be allocated, and set again for each chunk. Deadlines are accurate to 100 ms.
 */
export class Deadlines {
  /** Monotonic milliseconds at the last tick. */
  nowMs: number;
  readonly #clock: Clock;
  readonly #members = new Set<Deadlined>();
  readonly #stop: () => void;

  constructor(clock = SYSTEM_CLOCK) {
    this.#clock = clock;
    this.nowMs = clock.nowMs();
    this.#stop = clock.every(TICK_MS, () => this.#tick());
  }

  /** Returns the deadline that is `ms` milliseconds from now. */
  in(ms: number): number {
    return this.#clock.nowMs() + ms;
  }

  add(member: Deadlined): void {
    this.#members.add(member);
  }

  remove(member: Deadlined): void {
    this.#members.delete(member);
  }

  close(): void {
    this.#stop();
  }

  #tick(): void {
    const nowMs = this.#clock.nowMs();
    this.nowMs = nowMs;
    for (const member of this.#members) if (member.deadlineAtMs <= nowMs) member.onDeadline();
  }
}
