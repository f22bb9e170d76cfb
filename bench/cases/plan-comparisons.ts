import { limitOf } from "#harness/process-facts.ts";
import { BenchFailure } from "../bench-failure.ts";
import {
  bulkCases,
  handshakeCases,
  latencyCases,
  memoryCases,
  requestCase,
  type BenchCase,
  type Category,
} from "./cases.ts";
import { growthSeries } from "./growth-cases.ts";
import { httpCases } from "./http-cases.ts";
import { http2Cases } from "./http2-cases.ts";

const usualRuns = 5;
const usualQuickRuns = 3;
/** For memory, which has a small range, and growth, which has long runs. */
const usualFewRuns = 3;
const quickShare = 1 / 4;
/** More than the listeners of a proxy and what it opens for itself. */
const spareFiles = 500;

/** Cases of one category that are measured together, with interleaved runs. */
export interface Comparison {
  readonly measure: BenchCase["measure"];
  readonly cases: readonly BenchCase[];
  readonly runs: number;
}

export interface PlanOptions {
  readonly categories: readonly Category[];
  /** The names of the cases to measure. Default: all of the categories. */
  readonly only: readonly string[] | undefined;
  /** Number of runs of each case. Default: depends on the category. */
  readonly runs: number | undefined;
  /** Do a quarter of the operations, and leave out the largest setup. */
  readonly isQuick: boolean;
}

/** Throws a BenchFailure if one of `only` is not a case. */
export function planComparisons({ categories, only, runs, isQuick }: PlanOptions): Comparison[] {
  const all = [
    ...[...handshakeCases, requestCase, ...bulkCases].map((one) => [one]),
    latencyCases,
    ...memoryCases.map((one) => [one]),
    ...growthSeries(isQuick),
    ...httpCases,
    ...http2Cases.map((one) => [one]),
  ];
  const names = all.flat().map(({ name }) => name);
  const unknown = only?.find((name) => !names.includes(name));
  if (unknown !== undefined) {
    throw new BenchFailure(`There is no case '${unknown}'. The cases are: ${names.join(", ")}.`);
  }
  return all.flatMap((together) => {
    const cases = together.filter(({ name }) => only === undefined || only.includes(name));
    const [first] = cases;
    if (first === undefined || !categories.includes(first.category)) return [];
    const { measure, category } = first;
    const few = measure === "memory" || category === "growth";
    const usual = isQuick ? usualQuickRuns : few ? usualFewRuns : usualRuns;
    return [{ measure, cases: isQuick ? cases.map(quickened) : cases, runs: runs ?? usual }];
  });
}

/** The duration of a latency run, the warm-up of idle connections and one round over all listeners are not shortened. */
function quickened(one: BenchCase): BenchCase {
  const { measure, operations, warmUpOperations, growth } = one;
  if (measure === "latency") return { ...one, operations: 2 };
  const listeners = growth?.axis === "listeners" ? growth.count : 0;
  return {
    ...one,
    operations: operations * quickShare,
    warmUpOperations:
      measure === "memory" ? warmUpOperations : Math.max(listeners, warmUpOperations * quickShare),
  };
}

/** A proxied connection uses two files of the proxy. */
export function assertOpenFileLimit(comparisons: readonly Comparison[]): void {
  const opened = comparisons.flatMap(({ cases }) =>
    cases.map(({ measure, operations, plan }) => {
      return measure === "memory" ? operations : (plan?.connections ?? 0);
    }),
  );
  const needed = 2 * Math.max(...opened) + spareFiles;
  const [, hard = "unlimited"] = limitOf("self", "Max open files");
  const hardLimit = hard === "unlimited" ? Infinity : Number(hard);
  if (hardLimit >= needed) return;
  throw new BenchFailure(
    `The bench needs ${needed} open files, but the limit is ${hardLimit} (ulimit -Hn). Raise the limit, use --quick, or leave out memory and growth.`,
  );
}
