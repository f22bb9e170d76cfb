import { LISTENER_METRICS, SLOTS, slotCountOf } from "#model/records/metric-catalog.ts";
import type { Metric } from "#model/records/metric.ts";

/** How many connections and attempts one worker can count per second, which is far more than a core can handle. */
const MAX_COUNTS_PER_SECOND = 100_000;
/** How many seconds' worth may come at once after a time in which little was counted. */
const BURST_SECONDS = 2;
/** 40 Gbit/s in each direction. Bytes may be reported late, so they are compared with the worker's whole life. */
const MAX_BYTES_PER_SECOND = 5e9;
/** Allows for differences of clocks, and for the time that a message takes. */
const SLACK_SECONDS = 2;

type SlotKind =
  | { readonly kind: "gauge" }
  /**
   * A whole number, which grows by at most `MAX_COUNTS_PER_SECOND`. In a bucket of a histogram, each count adds at most
   * `boundSeconds` to the sum.
   */
  | { readonly kind: "count"; readonly boundSeconds: number }
  | { readonly kind: "bytes" }
  | { readonly kind: "seconds"; readonly firstSlot: number };

const BYTES_METRICS: ReadonlySet<string> = new Set([
  "tlsd_bytes_from_clients_total",
  "tlsd_bytes_to_clients_total",
]);

function slotKindsOf(metric: Metric, firstSlot: number): readonly SlotKind[] {
  if (metric.kind === "gauge") return [{ kind: "gauge" }];
  if (BYTES_METRICS.has(metric.name)) return [{ kind: "bytes" }];
  if (metric.buckets === undefined) {
    return Array.from({ length: slotCountOf(metric) }, () => ({ kind: "count", boundSeconds: 0 }));
  }
  return [
    ...[...metric.buckets, Infinity].map(
      (boundSeconds) => ({ kind: "count", boundSeconds }) as const,
    ),
    { kind: "seconds", firstSlot },
  ];
}

const SLOT_KINDS: readonly SlotKind[] = LISTENER_METRICS.flatMap((metric) =>
  slotKindsOf(metric, SLOTS.firstSlot[metric.name]),
);

/**
 * Checks whether the counts of one worker are possible: numbers of things are whole, and no larger than a machine can reach in
 * the time that has passed. So the sums stay finite even if a worker sends false counts for ever.
 */
export class PlausibleCounts {
  readonly #nowMs: () => number;
  readonly #startedAtMs: number;
  #toldAtMs: number;
  /** How much the worker may still count in each slot. The last elements are for dropped records, connects and handshakes. */
  readonly #left = new Float64Array(SLOTS.size + 3).fill(BURST_SECONDS * MAX_COUNTS_PER_SECOND);
  readonly #bytes = new Float64Array(SLOTS.size);

  constructor(nowMs = (): number => performance.now()) {
    this.#nowMs = nowMs;
    this.#startedAtMs = nowMs();
    this.#toldAtMs = this.#startedAtMs;
  }

  /** Must be called for each heartbeat and each message with counts, before the counts are checked. */
  passTime(): void {
    const seconds = (this.#nowMs() - this.#toldAtMs) / 1_000;
    this.#toldAtMs = this.#nowMs();
    const most = Math.max(seconds, BURST_SECONDS) * MAX_COUNTS_PER_SECOND;
    for (const [slot, left] of this.#left.entries()) {
      this.#left[slot] = Math.min(left + seconds * MAX_COUNTS_PER_SECOND, most);
    }
  }

  /**
   * Returns why the flat pairs of slot and amount are not possible, or undefined if they are. `maxOpen` is how many
   * connections the worker may have open. `carried` is true for each slot that the listener may count in.
   */
  objectionTo(
    pairs: readonly number[],
    maxOpen: number,
    carried: readonly boolean[],
  ): string | undefined {
    if (pairs.length % 2 !== 0) return "a slot without an amount";
    const amounts = new Float64Array(SLOTS.size);
    for (let at = 0; at < pairs.length; at += 2) {
      const slot = pairs[at] ?? -1;
      const amount = pairs[at + 1] ?? 0;
      const before = amounts[slot];
      if (before === undefined || carried[slot] !== true) return `slot ${slot}`;
      if (!(amount >= 0)) return `${amount} in slot ${slot}`;
      amounts[slot] = before + amount;
    }
    for (const [slot, kind] of SLOT_KINDS.entries()) {
      const amount = amounts[slot] ?? 0;
      if (amount !== 0 && !this.#isPossible(slot, kind, amounts, maxOpen)) {
        return `${amount} in slot ${slot}`;
      }
    }
    return undefined;
  }

  /** Returns false if the worker cannot have relayed so many bytes in its life. */
  canHaveRelayed(bytes: number): boolean {
    return bytes <= this.#ageSeconds() * MAX_BYTES_PER_SECOND;
  }

  /** Returns false if no connection of the worker can be so old. */
  canBeOpenSince(ageMs: number): boolean {
    return ageMs <= this.#ageSeconds() * 1_000;
  }

  canHaveFailedInARow(connects: number): boolean {
    return connects <= this.#ageSeconds() * MAX_COUNTS_PER_SECOND;
  }

  canHaveTried(connects: number): boolean {
    return this.#take(SLOTS.size + 1, connects);
  }

  /** `counts` are those of one certificate. A connection adds at most two of them. */
  canHaveShakenHands(counts: readonly number[]): boolean {
    return this.#take(SLOTS.size + 2, counts.reduce((sum, amount) => sum + amount, 0) / 2);
  }

  canHaveDropped(records: number): boolean {
    this.passTime();
    return this.#take(SLOTS.size, records);
  }

  #take(slot: number, amount: number): boolean {
    const left = (this.#left[slot] ?? 0) - amount;
    this.#left[slot] = left;
    return left >= 0;
  }

  #isPossible(slot: number, kind: SlotKind, amounts: Float64Array, maxOpen: number): boolean {
    const amount = amounts[slot] ?? 0;
    switch (kind.kind) {
      case "gauge":
        return Number.isSafeInteger(amount) && amount <= maxOpen;
      case "count":
        return Number.isSafeInteger(amount) && this.#take(slot, amount);
      case "bytes": {
        const told = (this.#bytes[slot] ?? 0) + amount;
        this.#bytes[slot] = told;
        return Number.isSafeInteger(amount) && this.canHaveRelayed(told);
      }
      case "seconds":
        return amount <= this.#mostSeconds(kind.firstSlot, slot, amounts);
      default:
        return kind satisfies never;
    }
  }

  /** Returns the largest possible sum of a histogram, given its buckets and the worker's age. */
  #mostSeconds(firstSlot: number, sumSlot: number, amounts: Float64Array): number {
    const ageSeconds = this.#ageSeconds();
    let most = 0;
    for (let slot = firstSlot; slot < sumSlot; slot += 1) {
      const kind = SLOT_KINDS[slot];
      const bound = kind?.kind === "count" ? kind.boundSeconds : 0;
      most += (amounts[slot] ?? 0) * Math.min(bound, ageSeconds);
    }
    // Sums of floating-point numbers are not exact.
    return most * 1.000_001;
  }

  #ageSeconds(): number {
    return (this.#nowMs() - this.#startedAtMs) / 1_000 + SLACK_SECONDS;
  }
}
