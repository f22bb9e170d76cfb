import { EventEmitter, once } from "node:events";
import { MAX_OPERATIONS, type Head, type Store } from "./store.ts";

/** Follows the lines of a store that only this process changes. */
export class HeadWatch {
  readonly #advanced = new EventEmitter().setMaxListeners(0);

  /** To be called after heads were added. */
  note(): void {
    this.#advanced.emit("advanced");
  }

  /** Heads that were deleted before they were read are left out. */
  async *watch(
    store: Pick<Store, "heads">,
    line: string,
    after: number,
    signal: AbortSignal,
  ): AsyncGenerator<Head, void> {
    let last = after;
    while (!signal.aborted) {
      const advanced = nextAdvance(this.#advanced, signal);
      const heads = await headsAbove(store, line, last);
      for (const head of heads) {
        if (isAborted(signal)) return;
        yield head;
        last = head.number;
      }
      if (heads.length === 0) await advanced;
    }
  }
}

/** Resolves at the next advance, or when `signal` aborts. */
async function nextAdvance(emitter: EventEmitter, signal: AbortSignal): Promise<void> {
  try {
    await once(emitter, "advanced", { signal });
  } catch (error) {
    if (!signal.aborted) throw error;
  }
}

const isAborted = (signal: AbortSignal): boolean => signal.aborted;

/** Returns the heads of a line with numbers above `after`, the oldest first. */
export async function headsAbove(
  store: Pick<Store, "heads">,
  line: string,
  after: number,
): Promise<readonly Head[]> {
  const found: Head[] = [];
  let before = Number.MAX_SAFE_INTEGER;
  for (;;) {
    const page = await store.heads(line, before, MAX_OPERATIONS);
    found.push(...page.filter(({ number }) => number > after));
    const last = page.at(-1);
    if (last === undefined || last.number <= after || page.length < MAX_OPERATIONS) break;
    before = last.number;
  }
  return found.toReversed();
}
