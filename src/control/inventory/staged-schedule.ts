import { DirectorError } from "#model/failure.ts";
import type { ChangeRequest, ChangeResult } from "../change/change.ts";
import type { CertificateWants } from "./build-certificate-wants.ts";
import type { Inventory } from "./inventory.ts";

/** How often it is looked whether the time of a version has come. Timers do not know that a clock was set. */
const INTERVAL_MS = 1_000;
/** A version that cannot become active is tried again after this time, which doubles with each try. */
const FIRST_RETRY_MS = 10_000;
const MAX_RETRY_MS = 3_600_000;

export interface StagedParts {
  readonly inventory: Pick<Inventory, "waiting">;
  readonly wants: Pick<CertificateWants, "activate">;
  readonly change: (request: ChangeRequest) => Promise<ChangeResult>;
  readonly onFault: (error: unknown) => void;
}

const keyOf = ({ name, version }: { readonly name: string; readonly version: string }): string =>
  `${name} ${version}`;

interface Failed {
  readonly count: number;
  readonly nextMs: number;
}

/**
 * Makes staged versions active when they have become valid. What is active stays so, whatever the clock says later. It is known
 * from the store which versions wait, so that a restart changes nothing.
 */
export class StagedSchedule {
  readonly #parts: StagedParts;
  readonly #failed = new Map<string, Failed>();
  #timer: NodeJS.Timeout | undefined;
  #isRunning = false;

  constructor(parts: StagedParts) {
    this.#parts = parts;
  }

  start(): void {
    this.#timer = setInterval(() => {
      if (this.#isRunning) return;
      this.#isRunning = true;
      this.#turn().catch(this.#parts.onFault);
    }, INTERVAL_MS).unref();
  }

  close(): void {
    clearInterval(this.#timer);
    this.#timer = undefined;
  }

  async #turn(): Promise<void> {
    try {
      await this.#activateDue(Date.now());
    } finally {
      this.#isRunning = false;
    }
  }

  async #activateDue(nowMs: number): Promise<void> {
    const waiting = await this.#parts.inventory.waiting();
    const keys = new Set(waiting.map(keyOf));
    for (const key of this.#failed.keys()) if (!keys.has(key)) this.#failed.delete(key);
    for (const one of waiting) {
      const { name, version, notBeforeMs } = one;
      const key = keyOf(one);
      const failed = this.#failed.get(key);
      const isDue = failed === undefined || failed.nextMs <= performance.now();
      if (notBeforeMs > nowMs || !isDue || this.#timer === undefined) continue;
      await this.#activate(name, version, key);
    }
  }

  async #activate(name: string, version: string, key: string): Promise<void> {
    const { wants, change } = this.#parts;
    const by = { origin: "certificate-watcher" } as const;
    try {
      await change({ kind: "certificates", by, want: wants.activate(name, version, by) });
      this.#failed.delete(key);
    } catch (error) {
      // The event of a refused change has told it.
      if (!(error instanceof DirectorError)) this.#parts.onFault(error);
      const count = (this.#failed.get(key)?.count ?? 0) + 1;
      const waitMs = Math.min(MAX_RETRY_MS, FIRST_RETRY_MS * 2 ** (count - 1));
      this.#failed.set(key, { count, nextMs: performance.now() + waitMs });
    }
  }
}
