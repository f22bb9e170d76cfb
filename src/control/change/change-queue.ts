import { setImmediate as nextTurn } from "node:timers/promises";
import { DirectorError } from "#model/failure.ts";

const MAX_WAITING = 16;

/** Ignores the failure of a change. Its caller gets the error. The next change only waits for the end. */
const belongsToCaller = (): void => undefined;

/** Runs changes one at a time, in the order of the calls. */
export class ChangeQueue {
  #tail: Promise<unknown> = Promise.resolve();
  #waiting = 0;
  #isClosed = false;

  /** Throws `too-many-changes` if 16 changes are waiting, and `draining` if the queue is closed. */
  async run<Result>(change: () => Promise<Result>): Promise<Result> {
    if (this.#isClosed) throw new DirectorError("draining");
    if (this.#waiting >= MAX_WAITING) throw new DirectorError("too-many-changes");
    this.#waiting += 1;
    const turn = this.#tail.then(() => {
      this.#waiting -= 1;
      if (this.#isClosed) throw new DirectorError("draining");
      return change();
    });
    // The caller first does what follows from the change, such as to take over the versions of certificates that are now served.
    this.#tail = turn.catch(belongsToCaller).then(() => nextTurn());
    return turn;
  }

  /** Refuses all waiting and all later changes. */
  close(): void {
    this.#isClosed = true;
  }

  /** Resolves when the running change is done. To be called after `close`. */
  async untilIdle(): Promise<void> {
    await this.#tail;
  }
}
