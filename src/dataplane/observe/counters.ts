import {
  LISTENER_METRICS,
  SLOTS,
  slotCountOf,
  slotsNeededBy,
  type ListenerMetric,
  type ListenerMetricName,
} from "#model/records/metric-catalog.ts";
import { LISTENER_MODES, type ListenerMode } from "#model/listener-mode.ts";
import { metricsOf, type MetricOf } from "#model/records/mode-records.ts";
import type { ListenerName } from "#model/names.ts";
import { CountersByKey, type Countable } from "./counters-by-key.ts";

type MetricWith<Part> = Extract<ListenerMetric, Part>;
type LabelledMetric = MetricWith<{ readonly values: readonly string[] }>;
type CounterName = Exclude<MetricWith<{ readonly kind: "counter" }>, LabelledMetric>["name"];
type HistogramName = MetricWith<{ readonly kind: "histogram" }>["name"];
type LabelOf<Name> = Extract<LabelledMetric, { readonly name: Name }>["values"][number];

/** The index of one counter in the array of a listener. Only the functions below create slots. */
export type Slot<Name extends ListenerMetricName> = number & { readonly metric: Name };

const OPEN_SLOT = SLOTS.firstSlot.tlsd_connections_open;

export const slotOf = <Name extends CounterName>(name: Name): Slot<Name> =>
  SLOTS.firstSlot[name] as Slot<Name>;

/** Returns the slot of each value of a labelled metric. */
export function slotsByLabel<Name extends LabelledMetric["name"]>(
  name: Name,
): Readonly<Record<LabelOf<Name>, Slot<Name>>> {
  const metric = LISTENER_METRICS.find((candidate) => candidate.name === name);
  const labels: readonly string[] = metric !== undefined && "values" in metric ? metric.values : [];
  const slots = labels.map((label, index) => [label, SLOTS.firstSlot[name] + index]);
  return Object.fromEntries(slots) as Record<LabelOf<Name>, Slot<Name>>;
}

interface HistogramSlots<Name extends ListenerMetricName> {
  readonly first: Slot<Name>;
  readonly boundsSeconds: readonly number[];
  readonly sum: Slot<Name>;
}

export function histogramSlots<Name extends HistogramName>(name: Name): HistogramSlots<Name> {
  const metric = LISTENER_METRICS.find((candidate) => candidate.name === name);
  if (metric === undefined || !("buckets" in metric))
    throw new TypeError(`${name} is not a histogram.`);
  const first = SLOTS.firstSlot[name];
  return {
    first: first as Slot<Name>,
    boundsSeconds: metric.buckets,
    sum: (first + slotCountOf(metric) - 1) as Slot<Name>,
  };
}

/**
 * What one listener has counted since the last report, in one flat array, so that counting is an addition. A stage that
 * counts a metric which the mode does not carry does not compile.
 */
export class ListenerCounters<in Name extends ListenerMetricName> implements Countable<number[]> {
  #slots: Float64Array;
  #openConnections = 0;
  #isTouched = false;

  constructor(size: number) {
    this.#slots = new Float64Array(size);
  }

  /** Adds slots for the metrics of another mode. */
  grow(size: number): void {
    if (size <= this.#slots.length) return;
    const slots = new Float64Array(size);
    slots.set(this.#slots);
    this.#slots = slots;
  }

  add(slot: Slot<Name>, amount = 1): void {
    this.#slots[slot] = (this.#slots[slot] ?? 0) + amount;
    this.#isTouched = true;
  }

  observeMs(histogram: HistogramSlots<Name>, ms: number): void {
    const seconds = ms / 1000;
    let bucket = 0;
    while (
      bucket < histogram.boundsSeconds.length &&
      seconds > (histogram.boundsSeconds[bucket] ?? 0)
    )
      bucket += 1;
    this.add((histogram.first + bucket) as Slot<Name>);
    this.add(histogram.sum, seconds);
  }

  addOpen(change: 1 | -1): void {
    this.#openConnections += change;
    this.#isTouched = true;
  }

  get openConnections(): number {
    return this.#openConnections;
  }

  /** Whether everything was reported and no open connection can count more. */
  get isSettled(): boolean {
    return !this.#isTouched && this.#openConnections === 0;
  }

  /** Returns the changes as flat pairs of slot and amount, or undefined if nothing changed. */
  takeChanges(): number[] | undefined {
    if (!this.#isTouched) return undefined;
    const changes: number[] = [];
    this.#slots.forEach((amount, slot) => {
      if (amount !== 0) changes.push(slot, amount);
    });
    changes.push(OPEN_SLOT, this.#openConnections);
    this.#slots.fill(0);
    this.#isTouched = false;
    return changes;
  }
}

const SIZES: ReadonlyMap<ListenerMode, number> = new Map(
  LISTENER_MODES.map((mode) => [mode, slotsNeededBy(metricsOf(mode))]),
);

/** The counters of each listener, by name. */
export class Counters extends CountersByKey<
  ListenerName,
  ListenerCounters<ListenerMetricName>,
  number[]
> {
  /**
   * Returns the counters of a listener. They are kept when its mode changes, because connections of the old mode may
   * still be open.
   */
  of<Mode extends ListenerMode>(name: ListenerName, mode: Mode): ListenerCounters<MetricOf<Mode>> {
    const size = SIZES.get(mode) ?? SLOTS.size;
    const counters = this.itemOf(name, () => new ListenerCounters(size));
    counters.grow(size);
    return counters;
  }

  /** Returns the changes of at most `most` listeners (`takeRound`), or undefined after the last listener. */
  takeChanges(most: number): Record<ListenerName, number[]> | undefined {
    const taken = this.takeRound(most);
    return taken.length === 0 ? undefined : Object.fromEntries(taken);
  }
}
