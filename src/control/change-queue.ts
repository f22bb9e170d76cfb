import { DirectorError } from "#model/failure.ts";

const MAX_WAITING = 16;

/** What becomes of a change is told to its caller; the next one only waits for its end. */
const belongsToCaller = (): void => undefined;

/** Runs one change at a time, in the order in which they came. */
export class ChangeQueue {
  #tail: Promise<unknown> = Promise.resolve();
  #waiting = 0;
  #isClosed = false;

  /** Throws `too-many-changes` when 16 wait already, `draining` once the queue is closed. */
  async run<Result>(change: () => Promise<Result>): Promise<Result> {
    if (this.#isClosed) throw new DirectorError("draining");
    if (this.#waiting >= MAX_WAITING) throw new DirectorError("too-many-changes");
    this.#waiting += 1;
    const turn = this.#tail.then(() => {
      this.#waiting -= 1;
      if (this.#isClosed) throw new DirectorError("draining");
      return change();
    });
    this.#tail = turn.catch(belongsToCaller);
    return turn;
  }

  /** Refuses what waits and what comes. */
  close(): void {
    this.#isClosed = true;
  }

  /** Resolves when the change under way, if any, is done, after `close`. */
  async untilIdle(): Promise<void> {
    await this.#tail;
  }
}
