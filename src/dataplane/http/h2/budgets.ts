import type { Http2Fault } from "#model/records/http2-fault.ts";

/** How many frames of a kind a client may send at once, and how many a second in the long run. */
const ALLOWED = {
  "reset-flood": { burst: 200, perSecond: 20 },
  "ping-flood": { burst: 1_000, perSecond: 200 },
  "settings-flood": { burst: 40, perSecond: 2 },
  "priority-flood": { burst: 400, perSecond: 100 },
  "window-flood": { burst: 1_000, perSecond: 200 },
  "empty-frame-flood": { burst: 200, perSecond: 20 },
  "tiny-windows": { burst: 500, perSecond: 50 },
} as const satisfies Partial<
  Record<Http2Fault, { readonly burst: number; readonly perSecond: number }>
>;
export type Flood = keyof typeof ALLOWED;

interface Budget {
  left: number;
  atMs: number;
}

/** What a client may still do that costs the director more than the client. */
export class Budgets {
  readonly #budgets = new Map<Flood, Budget>();

  /** Takes one from a budget. Returns false if it is used up. */
  take(flood: Flood, nowMs: number): boolean {
    const { burst, perSecond } = ALLOWED[flood];
    let budget = this.#budgets.get(flood);
    if (budget === undefined) {
      budget = { left: burst, atMs: nowMs };
      this.#budgets.set(flood, budget);
    }
    const earned = ((nowMs - budget.atMs) * perSecond) / 1_000;
    budget.left = Math.min(burst, budget.left + earned) - 1;
    budget.atMs = nowMs;
    return budget.left >= 0;
  }
}
