import { setImmediate as nextTurn } from "node:timers/promises";
import type { Metric } from "#model/records/metric.ts";

/** How long lines are written at a time before the event loop continues. */
const TURN_MS = 5;
/** The clock is read after so many series. */
const SERIES_PER_LOOK = 20;
const PIECE_CHARACTERS = 128 * 1024;

/** The values of one set of labels. */
export interface Series<Described> {
  /** As `labelsText` returns them. */
  readonly labels: string;
  /** Returns the values of the metric in the order of its labels or buckets, or undefined if it has none here. */
  readonly valuesOf: (metric: Described) => Readonly<ArrayLike<number>> | undefined;
}

/**
 * Returns metrics in the Prometheus text format 0.0.4, in pieces. With thousands of listeners the text has megabytes, so it is
 * written in turns.
 */
export async function metricsText<Described extends Metric>(
  metrics: readonly Described[],
  series: readonly Series<Described>[],
): Promise<readonly Buffer[]> {
  const pieces: Buffer[] = [];
  let text = "";
  let turnEndsMs = performance.now() + TURN_MS;
  let untilLook = SERIES_PER_LOOK;
  for (const metric of metrics) {
    text += `# HELP ${metric.name} ${metric.help}\n# TYPE ${metric.name} ${metric.kind}\n`;
    const linesOf = lineWriterOf(metric);
    for (const { labels, valuesOf } of series) {
      const values = valuesOf(metric);
      if (values === undefined) continue;
      text += linesOf(labels, values);
      untilLook -= 1;
      if (untilLook > 0) continue;
      untilLook = SERIES_PER_LOOK;
      if (text.length >= PIECE_CHARACTERS) {
        pieces.push(bytesOf(text));
        text = "";
      }
      if (performance.now() < turnEndsMs) continue;
      await nextTurn();
      turnEndsMs = performance.now() + TURN_MS;
    }
  }
  pieces.push(bytesOf(text));
  return pieces;
}

const encoder = new TextEncoder();

/** Takes two thirds of the time of `Buffer.from`, which passes over the text twice. */
function bytesOf(text: string): Buffer {
  const { buffer, byteOffset, byteLength } = encoder.encode(text);
  return Buffer.from(buffer, byteOffset, byteLength);
}

type LineWriter = (labels: string, amounts: Readonly<ArrayLike<number>>) => string;

/**
 * Buckets are counted separately and printed as cumulative. A histogram without observations and a cause that has not occurred are
 * left out: of the hundred causes of a listener few ever occur, and with thousands of listeners the others would be nearly all of the text.
 */
function lineWriterOf({ name, kind, label, values, buckets = [] }: Metric): LineWriter {
  if (kind === "histogram") {
    const starts = [...buckets, "+Inf"].map((bound) => `${name}_bucket{le="${bound}"`);
    return (labels, amounts) => {
      if (isEmpty(amounts, starts.length)) return "";
      const end = labels === "" ? "}" : `,${labels}}`;
      const braces = inBraces(labels);
      let text = "";
      let count = 0;
      for (let at = 0; at < starts.length; at += 1) {
        count += amounts[at] ?? 0;
        text += `${starts[at]}${end} ${count}\n`;
      }
      return `${text}${name}_sum${braces} ${amounts[starts.length]}\n${name}_count${braces} ${count}\n`;
    };
  }
  if (label === undefined || values === undefined) {
    return (labels, amounts) => `${labels === "" ? name : `${name}{${labels}}`} ${amounts[0]}\n`;
  }
  const starts = values.map((value) => `${name}{${label}="${value}",`);
  return (labels, amounts) => {
    let text = "";
    for (let at = 0; at < starts.length; at += 1) {
      const amount = amounts[at] ?? 0;
      if (amount !== 0) text += `${starts[at]}${labels}} ${amount}\n`;
    }
    return text;
  };
}

const inBraces = (labels: string): string => (labels === "" ? "" : `{${labels}}`);

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
