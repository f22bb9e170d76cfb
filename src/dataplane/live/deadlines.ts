import { SYSTEM_CLOCK, type Clock } from "./clock.ts";

/** Whatever has to be done by a time. */
export interface Deadlined {
  /** On the clock of `Deadlines.nowMs`; Infinity: none. */
  deadlineAtMs: number;
  /** The deadline has passed. It is called again at the next tick unless the deadline moved or the thing was removed. */
  onDeadline(): void;
}

const TICK_MS = 100;

/**
 * One timer for all connections of a worker: moving a deadline is an assignment, where a timer a connection would be
 * allocated and re-armed with every chunk. Deadlines are kept to within a tenth of a second.
 */
export class Deadlines {
  /** Monotonic milliseconds, as of the last tick. */
  nowMs: number;
  readonly #clock: Clock;
  readonly #members = new Set<Deadlined>();
  readonly #stop: () => void;

  constructor(clock = SYSTEM_CLOCK) {
    this.#clock = clock;
    this.nowMs = clock.nowMs();
    this.#stop = clock.every(TICK_MS, () => this.#tick());
  }

  /** The deadline that is so many milliseconds from now. */
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
