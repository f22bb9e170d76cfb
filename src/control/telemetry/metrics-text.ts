import { setImmediate as nextTurn } from "node:timers/promises";
import type { Metric } from "#model/records/metric-catalog.ts";

/** How long lines are written at a time before the event loop continues. */
const TURN_MS = 5;
/** The clock is read after so many lines. */
const LINES_PER_LOOK = 200;
/** How many lines become one piece of the text. */
const LINES_PER_PIECE = 2_000;

/** The values of one set of labels. */
export interface Series<Described> {
  /** As `labelsText` returns them. */
  readonly labels: string;
  /** Returns the values of the metric in the order of its labels or buckets, or undefined if it has none here. */
  readonly valuesOf: (metric: Described) => Readonly<ArrayLike<number>> | undefined;
}

/**
 * Returns metrics in the Prometheus text format 0.0.4, in pieces. Workers count them, buckets included, which the metric classes of
 * prom-client cannot take over; and with thousands of listeners the text has megabytes, so it is written in turns.
 */
export async function metricsText<Described extends Metric>(
  metrics: readonly Described[],
  series: readonly Series<Described>[],
): Promise<readonly Buffer[]> {
  const pieces: Buffer[] = [];
  const lines: string[] = [];
  let turnEndsMs = performance.now() + TURN_MS;
  let nextLook = LINES_PER_LOOK;
  const endPiece = (): void => {
    pieces.push(Buffer.from(`${lines.join("\n")}\n`));
    lines.length = 0;
    nextLook = LINES_PER_LOOK;
  };
  for (const metric of metrics) {
    lines.push(`# HELP ${metric.name} ${metric.help}`, `# TYPE ${metric.name} ${metric.kind}`);
    for (const { labels, valuesOf } of series) {
      const values = valuesOf(metric);
      if (values === undefined) continue;
      addLines(lines, metric, labels, values);
      if (lines.length < nextLook) continue;
      nextLook += LINES_PER_LOOK;
      if (lines.length >= LINES_PER_PIECE) endPiece();
      if (performance.now() < turnEndsMs) continue;
      await nextTurn();
      turnEndsMs = performance.now() + TURN_MS;
    }
  }
  endPiece();
  return pieces;
}

/**
 * Buckets are counted separately and printed as cumulative. A histogram without observations and a cause that has not occurred are
 * left out: of the hundred causes of a listener few ever occur, and with thousands of listeners the others would be nearly all of the text.
 */
function addLines(
  lines: string[],
  { name, kind, label, values, buckets = [] }: Metric,
  labels: string,
  amounts: Readonly<ArrayLike<number>>,
): void {
  if (kind === "histogram") {
    if (isEmpty(amounts, buckets.length + 1)) return;
    let count = 0;
    for (const [index, bound] of [...buckets, "+Inf"].entries()) {
      count += amounts[index] ?? 0;
      lines.push(`${name}_bucket{le="${bound}",${labels}} ${count}`);
    }
    lines.push(`${name}_sum{${labels}} ${amounts[buckets.length + 1]}`);
    lines.push(`${name}_count{${labels}} ${count}`);
    return;
  }
  if (label === undefined || values === undefined) {
    lines.push(`${labels === "" ? name : `${name}{${labels}}`} ${amounts[0]}`);
    return;
  }
  for (const [index, value] of values.entries()) {
    const amount = amounts[index] ?? 0;
    if (amount !== 0) lines.push(`${name}{${label}="${value}",${labels}} ${amount}`);
  }
}

function isEmpty(amounts: Readonly<ArrayLike<number>>, length: number): boolean {
  for (let at = 0; at < length; at += 1) if (amounts[at] !== 0) return false;
  return true;
}

export const labelsText = (labels: Readonly<Record<string, string>>): string =>
  Object.entries(labels)
    .map(([name, value]) => `${name}="${escaped(value)}"`)
    .join(",");

const escaped = (text: string): string =>
  text.replaceAll("\\", "\\\\").replaceAll("\n", "\\n").replaceAll('"', '\\"');
