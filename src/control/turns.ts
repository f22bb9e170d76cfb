import { setImmediate as nextTurn } from "node:timers/promises";

/** How long work may hold the event loop before other work gets a turn. */
const HOLD_MS = 5;

/** Lets long work give way to other work. Each piece of work has its own. */
export class Turns {
  #sinceMs = performance.now();

  /** To be called between small steps. Resolves at once if the work has not held the event loop for long. */
  async give(): Promise<void> {
    if (performance.now() - this.#sinceMs < HOLD_MS) return;
    await nextTurn();
    this.#sinceMs = performance.now();
  }
}
