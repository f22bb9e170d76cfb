import assert from "node:assert/strict";
import { parsePrometheusText, type Sample } from "./prometheus-text.ts";

const suffixes = { counter: [""], gauge: [""], histogram: ["_bucket", "_sum", "_count"] } as const;
type Kind = keyof typeof suffixes;

/** What tells a sample from all others of a scrape. */
export const seriesOf = ({ name, labels }: Sample): string =>
  `${name} ${JSON.stringify(Object.entries(labels).toSorted(([one], [other]) => one.localeCompare(other)))}`;

/** The same series without `le`, which tells the buckets of one histogram apart. */
function withoutBound({ labels, ...rest }: Sample): string {
  return seriesOf({
    ...rest,
    labels: Object.fromEntries(Object.entries(labels).filter(([name]) => name !== "le")),
  });
}

/**
 * Asserts what a scraper and `promtool check metrics` ask of a text in format 0.0.4, and gives the kind of each metric:
 * HELP and TYPE ahead of all samples of a metric, no series twice, counters named for what they are, histograms that are
 * cumulative and whose last bucket is their count.
 */
export function assertPrometheusText(text: string): ReadonlyMap<string, Kind> {
  assert.ok(text.endsWith("\n"), "the last line has no end");
  const kinds = new Map<string, Kind>();
  let helped = "";
  let current = "";
  const seen = new Set<string>();
  for (const line of text.split("\n").filter((each) => each !== "")) {
    const [, word, name = "", rest = ""] = /^# (HELP|TYPE) (\S+) (.+)$/.exec(line) ?? [];
    if (word === "HELP") {
      assert.ok(!kinds.has(name), `${name} comes twice`);
      helped = name;
    } else if (word === "TYPE") {
      assert.equal(name, helped, `${name} has no HELP`);
      assert.ok(rest in suffixes, line);
      kinds.set(name, rest as Kind);
      current = name;
    } else {
      const [sample] = parsePrometheusText(line).samples;
      const kind = kinds.get(current);
      assert.ok(sample !== undefined && kind !== undefined, line);
      const isOfCurrent = suffixes[kind].some((suffix) => sample.name === current + suffix);
      assert.ok(isOfCurrent, `${line} stands among the samples of ${current}`);
      assert.ok(!seen.has(seriesOf(sample)), `${line} comes twice`);
      seen.add(seriesOf(sample));
      assert.ok(Number.isFinite(sample.value), line);
      assert.ok(kind === "gauge" || sample.value >= 0, line);
    }
  }
  for (const [name, kind] of kinds) assert.equal(name.endsWith("_total"), kind === "counter", name);
  for (const [name, kind] of kinds) if (kind === "histogram") assertHistogram(name, text);
  return kinds;
}

function assertHistogram(name: string, text: string): void {
  const { samples } = parsePrometheusText(text);
  const counts = samples.filter((sample) => sample.name === `${name}_count`);
  const sums = samples.filter((sample) => sample.name === `${name}_sum`);
  assert.equal(sums.length, counts.length, `${name} has as many sums as counts`);
  for (const count of counts) {
    const series = withoutBound({ ...count, name: `${name}_bucket` });
    const buckets = samples.filter(
      (sample) => sample.name === `${name}_bucket` && withoutBound(sample) === series,
    );
    const bounds = buckets.map(({ labels }) => Number(labels["le"]?.replace("+Inf", "Infinity")));
    const values = buckets.map(({ value }) => value);
    const isAscending = (numbers: readonly number[]): boolean =>
      numbers.every((number, at) => number >= (numbers[at - 1] ?? -Infinity));
    assert.ok(isAscending(bounds) && isAscending(values), `${series} is not cumulative`);
    assert.deepEqual([bounds.at(-1), values.at(-1)], [Infinity, count.value], series);
  }
}
