import { DirectorError } from "#model/failure.ts";
import { inTurn } from "../certificates/in-turn.ts";

/** How many requests may have their files read at the same time. It is as many as changes may wait. */
const MAX_REQUESTS = 16;
/** How many certificates of one request are read at the same time. Each is sent to a process with the intermediates of all others. */
const AT_ONCE = 4;

/** Bounds what waits for the processes that read foreign files. */
export class ReadingLimit {
  #requests = 0;

  /**
   * Runs `read` for each item, and starts no more of them after one has failed. Throws `too-many-changes` if too many requests are being
   * read.
   */
  async readAll<Item, Read>(
    items: readonly Item[],
    read: (item: Item) => Promise<Read>,
  ): Promise<readonly Read[]> {
    if (this.#requests >= MAX_REQUESTS) {
      const detail = `The files of ${MAX_REQUESTS} requests are being read.`;
      throw new DirectorError("too-many-changes", detail);
    }
    this.#requests += 1;
    const failure = new AbortController();
    try {
      return await inTurn(
        items,
        async (item) => {
          failure.signal.throwIfAborted();
          return await read(item).catch((error: unknown) => {
            failure.abort();
            throw error;
          });
        },
        AT_ONCE,
      );
    } finally {
      this.#requests -= 1;
    }
  }
}
