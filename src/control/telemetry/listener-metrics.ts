import { setImmediate as nextTurn } from "node:timers/promises";
import { LISTENER_METRICS, SLOTS, type Metric } from "#model/records/metric-catalog.ts";
import type { ListenerTotals, ListenerLabels } from "./listener-totals.ts";

/** How many lines are written at a time, which takes a few milliseconds, before the event loop continues. */
const LINES_PER_TURN = 5_000;

/**
 * Every listener metric of the catalogue in the Prometheus text format 0.0.4, in pieces, for the listeners that carry it. Workers count them, buckets
 * included, which the metric classes of prom-client cannot take over; and with thousands of listeners the text has
 * megabytes, so it is written in turns.
 */
export async function listenerMetricsText(counters: ListenerTotals): Promise<readonly Buffer[]> {
  const listeners = [...counters.entries()].map(({ labels, metrics, slots }) => ({
    labels: labelsText(labels),
    metrics,
    slots,
  }));
  const pieces: Buffer[] = [];
  const lines: string[] = [];
  const endPiece = (): void => {
    pieces.push(Buffer.from(`${lines.join("\n")}\n`));
    lines.length = 0;
  };
  for (const metric of LISTENER_METRICS) {
    const firstSlot = SLOTS.firstSlot[metric.name];
    lines.push(`# HELP ${metric.name} ${metric.help}`, `# TYPE ${metric.name} ${metric.kind}`);
    for (const { labels, metrics, slots } of listeners) {
      if (!metrics.has(metric)) continue;
      addLines(lines, metric, labels, slots.subarray(firstSlot));
      if (lines.length < LINES_PER_TURN) continue;
      endPiece();
      await nextTurn();
    }
  }
  endPiece();
  return pieces;
}

/** `slots` begins with the first slot of the metric. Buckets are counted separately and printed as cumulative. */
function addLines(
  lines: string[],
  { name, kind, label, values, buckets = [] }: Metric,
  labels: string,
  slots: Readonly<Float64Array>,
): void {
  if (kind === "histogram") {
    let count = 0;
    for (const [index, bound] of [...buckets, "+Inf"].entries()) {
      count += slots[index] ?? 0;
      lines.push(`${name}_bucket{le="${bound}",${labels}} ${count}`);
    }
    lines.push(`${name}_sum{${labels}} ${slots[buckets.length + 1]}`);
    lines.push(`${name}_count{${labels}} ${count}`);
    return;
  }
  if (label === undefined || values === undefined) {
    lines.push(`${name}{${labels}} ${slots[0]}`);
    return;
  }
  for (const [index, value] of values.entries()) {
    lines.push(`${name}{${label}="${value}",${labels}} ${slots[index]}`);
  }
}

const labelsText = ({ vnic, listener }: ListenerLabels): string =>
  `vnic="${escaped(vnic)}",listener="${escaped(listener)}"`;

const escaped = (text: string): string =>
  text.replaceAll("\\", "\\\\").replaceAll("\n", "\\n").replaceAll('"', '\\"');
