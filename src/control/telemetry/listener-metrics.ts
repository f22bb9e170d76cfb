import { Gauge, type Registry } from "prom-client";
import { LISTENER_METRICS, SLOTS, type Metric } from "#model/metric-catalog.ts";
import type { ListenerCounters, ListenerLabels } from "./listener-counters.ts";

/** Registers every listener metric of the catalogue; values are read from `counters` at each scrape. */
export function registerListenerMetrics(registry: Registry, counters: ListenerCounters): void {
  for (const metric of LISTENER_METRICS) {
    registry.registerMetric(new ListenerMetric(metric, SLOTS.firstSlot[metric.name], counters));
  }
}

/** One line of the text format; prom-client formats `sharedLabels` once and keeps them. */
interface Line {
  readonly metricName: string;
  readonly labels: Readonly<Record<string, string | number>>;
  readonly sharedLabels: ListenerLabels;
  readonly value: number;
}

/**
 * A metric that was counted elsewhere. Counters of prom-client can only be raised and its histograms only observe, so
 * the registry is given the lines to print, whatever the kind; `Gauge` is only what it asks to be registered.
 */
class ListenerMetric extends Gauge {
  readonly #metric: Metric;
  readonly #firstSlot: number;
  readonly #counters: ListenerCounters;

  constructor(metric: Metric, firstSlot: number, counters: ListenerCounters) {
    super({ name: metric.name, help: metric.help, registers: [] });
    this.#metric = metric;
    this.#firstSlot = firstSlot;
    this.#counters = counters;
  }

  /** What `Registry.metrics()` asks for. */
  getForPromString(): Promise<object> {
    const { name, help, kind } = this.#metric;
    const values: Line[] = [];
    for (const { labels, slots } of this.#counters.entries()) {
      if (kind === "histogram") this.#addHistogram(values, labels, slots);
      else this.#addValues(values, labels, slots);
    }
    return Promise.resolve({ name, help, type: kind, values });
  }

  #addValues(lines: Line[], sharedLabels: ListenerLabels, slots: Readonly<Float64Array>): void {
    const { name: metricName, label, values } = this.#metric;
    if (label === undefined || values === undefined) {
      lines.push({ metricName, labels: {}, sharedLabels, value: slots[this.#firstSlot] ?? 0 });
      return;
    }
    for (const [index, word] of values.entries()) {
      const value = slots[this.#firstSlot + index] ?? 0;
      lines.push({ metricName, labels: { [label]: word }, sharedLabels, value });
    }
  }

  /** Counted bucket by bucket, printed cumulative. */
  #addHistogram(lines: Line[], sharedLabels: ListenerLabels, slots: Readonly<Float64Array>): void {
    const { name, buckets = [] } = this.#metric;
    let count = 0;
    for (const [index, le] of [...buckets, "+Inf"].entries()) {
      count += slots[this.#firstSlot + index] ?? 0;
      lines.push({ metricName: `${name}_bucket`, labels: { le }, sharedLabels, value: count });
    }
    const sum = slots[this.#firstSlot + buckets.length + 1] ?? 0;
    lines.push({ metricName: `${name}_sum`, labels: {}, sharedLabels, value: sum });
    lines.push({ metricName: `${name}_count`, labels: {}, sharedLabels, value: count });
  }
}
