import { MAX_LINES_FRAMES_PER_SECOND } from "#protocol/line-frames.ts";

const MIB = 1_048_576;

/** How much a worker may send per second in the long run, and how much at once. */
interface Allowance {
  readonly perSecond: number;
  readonly atOnce: number;
}

/**
 * At least twice what a healthy worker sends under a flood of clients: 10 MiB per second (`Reports`), five flushes of 3,000
 * records, and, after a pause of the control process, the 4 MiB that waited in the worker. A list of connections has 1 MiB.
 */
const ALLOWANCES = {
  messages: { perSecond: 1_000, atOnce: 5_000 },
  bytes: { perSecond: 24 * MIB, atOnce: 48 * MIB },
  records: { perSecond: 30_000, atOnce: 90_000 },
  "frames of lines": {
    perSecond: 2 * MAX_LINES_FRAMES_PER_SECOND,
    atOnce: 4 * MAX_LINES_FRAMES_PER_SECOND,
  },
  /** Bytes on standard output and standard error. */
  "printed bytes": { perSecond: MIB, atOnce: 8 * MIB },
} as const satisfies Readonly<Record<string, Allowance>>;

export type TrafficKind = keyof typeof ALLOWANCES;

/** Counts what a worker sends in leaky buckets. Time passes only by `leak`, so a pause of this process does not count. */
export class TrafficBounds {
  readonly #levels = new Map<TrafficKind, number>();

  /** Returns false if the worker has sent more than it may. */
  add(kind: TrafficKind, amount: number): boolean {
    const level = (this.#levels.get(kind) ?? 0) + amount;
    this.#levels.set(kind, level);
    return level <= ALLOWANCES[kind].atOnce;
  }

  leak(seconds: number): void {
    for (const [kind, level] of this.#levels) {
      this.#levels.set(kind, Math.max(0, level - seconds * ALLOWANCES[kind].perSecond));
    }
  }
}
