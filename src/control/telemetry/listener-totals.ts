import { vnicOfListener, type ListenerName } from "#model/names.ts";
import {
  LISTENER_METRICS,
  SLOTS,
  slotCountOf,
  slotsNeededBy,
  type ListenerMetric,
} from "#model/records/metric-catalog.ts";
import { metricsOf } from "#model/records/mode-records.ts";
import { labelsText } from "./metrics-text.ts";
import { HANDSHAKE_FAILURE_NAMES, type HandshakeFailure } from "#model/records/outcome.ts";
import type { SnapshotListener } from "#model/records/snapshot.ts";

export interface ListenerTotalsOptions {
  /** The listeners of the document in force. */
  readonly listenersInForce: () => readonly Pick<SnapshotListener, "name" | "mode">[];
  readonly nowMs?: () => number;
}

export interface ListenerLabels {
  readonly vnic: string;
  readonly listener: ListenerName;
}

interface CountedListener {
  /** The same object for the life of the listener. */
  readonly labels: ListenerLabels;
  /** The labels as they are printed. */
  readonly text: string;
  /** Those of its mode, and of the modes that it had before, as long as connections of these may still be counted. */
  readonly metrics: Set<ListenerMetric>;
  /** As laid out by `SLOTS`, up to the last slot of its metrics. */
  slots: Float64Array;
}

/** How long the counts of a removed listener are kept, so that another scrape can read them. */
const GONE_KEPT_MS = 10 * 60_000;
const MAX_GONE = 256;
const OPEN_SLOT = SLOTS.firstSlot.tlsd_connections_open;
const METRIC_OF_SLOT: readonly ListenerMetric[] = LISTENER_METRICS.flatMap((metric) =>
  Array.from({ length: slotCountOf(metric) }, () => metric),
);

/** The slots of the metrics in which a cause is counted. */
const FAILURE_SLOTS: ReadonlyMap<HandshakeFailure, readonly number[]> = new Map(
  HANDSHAKE_FAILURE_NAMES.map((cause) => [
    cause,
    LISTENER_METRICS.flatMap((metric) => {
      if (!("label" in metric) || metric.label !== "cause") return [];
      if (metric.name === "tlsd_endpoint_connects_failed_total") return [];
      const at = (metric.values as readonly string[]).indexOf(cause);
      return at === -1 ? [] : [SLOTS.firstSlot[metric.name] + at];
    }),
  ]),
);

/** Adds the metrics to those of the listener. What it has counted stays. */
function carry(counted: CountedListener, metrics: readonly ListenerMetric[]): void {
  const added = metrics.filter((metric) => !counted.metrics.has(metric));
  for (const metric of added) counted.metrics.add(metric);
  if (slotsNeededBy(added) <= counted.slots.length) return;
  // A worker may report the metrics of a listener one by one, and each growth copies the counts.
  const size = Math.max(
    slotsNeededBy(added),
    Math.min(2 * counted.slots.length, METRIC_OF_SLOT.length),
  );
  const slots = new Float64Array(size);
  slots.set(counted.slots);
  counted.slots = slots;
}

/** The slot of new sessions. */
const FULL_HANDSHAKE_SLOT = SLOTS.firstSlot.tlsd_handshakes_total;

/**
 * Starts again at `amount` if the sum would no longer be exact. Prometheus takes that for a restart, whereas a counter that has
 * lost its precision would no longer count single connections.
 */
const sumOf = (before: number, amount: number): number =>
  before + amount <= Number.MAX_SAFE_INTEGER ? before + amount : amount;

/** The counts of all workers for each listener. Counters outlive a worker, and its gauges end with it. */
export class ListenerTotals {
  readonly #options: ListenerTotalsOptions;
  readonly #listeners = new Map<ListenerName, CountedListener>();
  readonly #open = new Map<number, Map<ListenerName, number>>();
  /** When each removed listener was first missing from the document, the earliest first. */
  readonly #goneSinceMs = new Map<ListenerName, number>();

  constructor(options: ListenerTotalsOptions) {
    this.#options = options;
  }

  /** Adds flat pairs of slot and amount, as in the message `counted`. Pairs with an unknown slot are ignored. */
  add(workerId: number, listeners: Readonly<Record<string, readonly number[]>>): void {
    for (const [name, pairs] of Object.entries(listeners)) {
      const listener = name as ListenerName;
      const counted = this.#listenerOf(listener);
      for (let at = 0; at + 1 < pairs.length; at += 2) {
        const slot = pairs[at] ?? -1;
        const amount = pairs[at + 1] ?? 0;
        const metric = METRIC_OF_SLOT[slot];
        if (metric === undefined || !(amount >= 0 && amount <= Number.MAX_SAFE_INTEGER)) continue;
        if (!counted.metrics.has(metric)) carry(counted, [metric]);
        if (slot === OPEN_SLOT) this.#setOpen(workerId, listener, amount);
        else counted.slots[slot] = sumOf(counted.slots[slot] ?? 0, amount);
      }
    }
  }

  gone(workerId: number): void {
    this.#open.delete(workerId);
  }

  /** Returns the number of open connections of one listener, or of all listeners. */
  openConnections(listener?: ListenerName): number {
    let sum = 0;
    for (const counts of this.#open.values()) {
      if (listener !== undefined) sum += counts.get(listener) ?? 0;
      else for (const open of counts.values()) sum += open;
    }
    return sum;
  }

  /** Returns how many handshakes of the listener have made a session. */
  fullHandshakes(listener: ListenerName): number {
    return this.#listeners.get(listener)?.slots[FULL_HANDSHAKE_SLOT] ?? 0;
  }

  /** Returns how many connections have ended for this cause before they were served. */
  failures(listener: ListenerName, cause: HandshakeFailure): number {
    const slots = this.#listeners.get(listener)?.slots;
    return (FAILURE_SLOTS.get(cause) ?? []).reduce((sum, slot) => sum + (slots?.[slot] ?? 0), 0);
  }

  /** Returns the counts of every listener of the document, also if they are 0, and of listeners removed a short time ago. */
  *entries(): Iterable<Readonly<CountedListener>> {
    for (const { name, mode } of this.#options.listenersInForce()) {
      carry(this.#listenerOf(name), metricsOf(mode));
    }
    this.#forgetGone();
    for (const counted of this.#listeners.values()) {
      counted.slots[OPEN_SLOT] = this.openConnections(counted.labels.listener);
      yield counted;
    }
  }

  #setOpen(workerId: number, listener: ListenerName, open: number): void {
    let counts = this.#open.get(workerId);
    if (counts === undefined) {
      counts = new Map();
      this.#open.set(workerId, counts);
    }
    if (open === 0) counts.delete(listener);
    else counts.set(listener, open);
  }

  #listenerOf(listener: ListenerName): CountedListener {
    let counted = this.#listeners.get(listener);
    if (counted === undefined) {
      const vnic = vnicOfListener(listener);
      const labels = { vnic, listener };
      const text = labelsText(labels);
      counted = { labels, text, metrics: new Set(), slots: new Float64Array() };
      this.#listeners.set(listener, counted);
      if (this.#listeners.size % MAX_GONE === 0) this.#forgetGone();
    }
    return counted;
  }

  #forgetGone(): void {
    const nowMs = (this.#options.nowMs ?? Date.now)();
    const inForce = new Set(this.#options.listenersInForce().map(({ name }) => name));
    for (const listener of this.#listeners.keys()) {
      if (inForce.has(listener)) this.#goneSinceMs.delete(listener);
      else if (!this.#goneSinceMs.has(listener)) this.#goneSinceMs.set(listener, nowMs);
    }
    for (const [listener, sinceMs] of this.#goneSinceMs) {
      const isKept = nowMs - sinceMs <= GONE_KEPT_MS && this.#goneSinceMs.size <= MAX_GONE;
      if (isKept || this.openConnections(listener) > 0) continue;
      this.#goneSinceMs.delete(listener);
      this.#listeners.delete(listener);
    }
  }
}
