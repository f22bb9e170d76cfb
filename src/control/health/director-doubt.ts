import type { EndpointCheck } from "./endpoint-check.ts";

/** With fewer checks than this, most of them fail when a single server does. */
const MIN_CHECKS = 4;

/**
 * Whether so many checks fail at once that the director is more likely at fault than the endpoints: more than half of those that
 * are up. A check that has just turned down counts as one that is up and fails, because others that fail for the same reason may
 * not have run since. A check that has never succeeded does not count, because its endpoint may have been dead before.
 */
export class DirectorDoubt {
  readonly #up = new Set<EndpointCheck>();
  readonly #failing = new Set<EndpointCheck>();
  /** The checks that have just turned down, with the time until which each counts. */
  readonly #fallen = new Map<EndpointCheck, number>();

  /** Must be called when a check has started, run or turned. */
  note(check: EndpointCheck): void {
    if (!check.isUp || !check.hasSucceeded) {
      this.#up.delete(check);
      this.#failing.delete(check);
      return;
    }
    this.#fallen.delete(check);
    this.#up.add(check);
    if (check.isFailing) this.#failing.add(check);
    else this.#failing.delete(check);
  }

  /** Must be called when a check has turned down. */
  noteFall(check: EndpointCheck): void {
    const { intervalMs, timeoutMs } = check.settings;
    this.note(check);
    if (!check.hasSucceeded) return;
    this.#fallen.set(check, performance.now() + intervalMs + timeoutMs);
  }

  /** Must be called when a check has ended. */
  forget(check: EndpointCheck): void {
    this.#up.delete(check);
    this.#failing.delete(check);
    this.#fallen.delete(check);
  }

  /** Returns the checks that turned down shortly before now. */
  fallen(): readonly EndpointCheck[] {
    this.#prune();
    return [...this.#fallen.keys()];
  }

  /** Returns how many checks fail and how many there are, without those that have been down for long or have never succeeded. */
  counts(): { readonly failing: number; readonly checks: number } {
    this.#prune();
    const { size } = this.#fallen;
    return { failing: this.#failing.size + size, checks: this.#up.size + size };
  }

  isDue(): boolean {
    const { failing, checks } = this.counts();
    return checks >= MIN_CHECKS && 2 * failing > checks;
  }

  #prune(): void {
    if (this.#fallen.size === 0) return;
    const nowMs = performance.now();
    for (const [check, untilMs] of this.#fallen) {
      if (untilMs <= nowMs || !check.isFailing) this.#fallen.delete(check);
    }
  }
}
