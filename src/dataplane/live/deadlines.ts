import { SYSTEM_CLOCK, type Clock } from "./clock.ts";

/** An object with a deadline. */
export interface Deadlined {
  /** Monotonic milliseconds, as in `Deadlines.nowMs`. Infinity if there is no deadline. */
  deadlineAtMs: number;
  /** The place of the object among those that are watched, or -1. Only `Deadlines` sets it. */
  deadlinePlace: number;
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
  /**
   * In no order. Each member knows its place. Each request adds and removes one, and a set would build a new table again and again,
   * which costs 4 % of a request on Bun.
   */
  readonly #members: Deadlined[] = [];
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
    if (member.deadlinePlace >= 0) return;
    member.deadlinePlace = this.#members.length;
    this.#members.push(member);
  }

  remove(member: Deadlined): void {
    const place = member.deadlinePlace;
    if (place < 0) return;
    member.deadlinePlace = -1;
    const last = this.#members.pop();
    if (last === undefined || last === member) return;
    this.#members[place] = last;
    last.deadlinePlace = place;
  }

  close(): void {
    this.#stop();
  }

  #tick(): void {
    const nowMs = this.#clock.nowMs();
    this.nowMs = nowMs;
    // A call can add, remove and move others.
    for (const member of this.#members.filter(({ deadlineAtMs }) => deadlineAtMs <= nowMs)) {
      if (member.deadlinePlace >= 0 && member.deadlineAtMs <= nowMs) member.onDeadline();
    }
  }
}
