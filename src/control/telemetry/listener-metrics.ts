import { LISTENER_METRICS, SLOTS } from "#model/records/metric-catalog.ts";
import type { ListenerTotals } from "./listener-totals.ts";
import { metricsText } from "./metrics-text.ts";

/** Returns every metric of listeners, for the listeners that carry it. */
export function listenerMetricsText(counters: ListenerTotals): Promise<readonly Buffer[]> {
  const series = Array.from(counters.entries(), ({ text, metrics, slots }) => ({
    labels: text,
    valuesOf: (metric: (typeof LISTENER_METRICS)[number]) =>
      metrics.has(metric) ? slots.subarray(SLOTS.firstSlot[metric.name]) : undefined,
  }));
  return metricsText(LISTENER_METRICS, series);
}
