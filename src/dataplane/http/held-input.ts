import type { Congested, RelayMemory } from "../live/relay-memory.ts";

/** Less than this is not worth counting: most heads that arrive in parts are shorter. */
export const MIN_COUNTED_BYTES = 16 * 1_024;

/** What a peer has sent and what cannot be passed on yet, counted against the memory for slow peers. */
export class HeldInput implements Congested {
  readonly #memory: RelayMemory;
  readonly #owner: Congested;

  private constructor(memory: RelayMemory, owner: Congested) {
    this.#memory = memory;
    this.#owner = owner;
  }

  /**
   * Counts that `owner` holds this many bytes, in place of what `before` says. The owner can be shed by that. Returns undefined if
   * they are too few to count.
   */
  static count(
    before: HeldInput | undefined,
    memory: RelayMemory,
    owner: Congested,
    bytes: number,
  ): HeldInput | undefined {
    if (bytes < MIN_COUNTED_BYTES) {
      before?.release();
      return undefined;
    }
    const held = before ?? new HeldInput(memory, owner);
    memory.hold(held, bytes);
    return held;
  }

  release(): void {
    this.#memory.release(this);
  }

  shed(): void {
    this.#owner.shed();
  }
}
