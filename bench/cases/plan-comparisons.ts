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

const usualRuns = 5;
const usualQuickRuns = 3;
/** These categories have a small range or long runs. */
const fewerRuns: Partial<Record<Category, number>> = { memory: 3, growth: 3 };
const quickShare = 1 / 4;
/** More than the listeners of a proxy and what it opens for itself. */
const spareFiles = 500;

/** Cases of one category that are measured together, with interleaved runs. */
export interface Comparison {
  readonly category: Category;
  readonly cases: readonly BenchCase[];
  readonly runs: number;
}

export interface PlanOptions {
  readonly categories: readonly Category[];
  /** Number of runs of each case. Default: depends on the category. */
  readonly runs: number | undefined;
  /** Do a quarter of the operations, and leave out the largest setup. */
  readonly isQuick: boolean;
}

export function planComparisons({ categories, runs, isQuick }: PlanOptions): Comparison[] {
  const all = [
    ...[...handshakeCases, requestCase, ...bulkCases].map((one) => [one]),
    latencyCases,
    ...memoryCases.map((one) => [one]),
    ...growthSeries(isQuick),
  ];
  return all.flatMap((cases) => {
    const category = cases[0]?.category;
    if (category === undefined || !categories.includes(category)) return [];
    const usual = isQuick ? usualQuickRuns : (fewerRuns[category] ?? usualRuns);
    return [{ category, cases: isQuick ? cases.map(quickened) : cases, runs: runs ?? usual }];
  });
}

/** The duration of a latency run, the warm-up of idle connections and one round over all listeners are not shortened. */
function quickened(one: BenchCase): BenchCase {
  const { category, operations, warmUpOperations, growth } = one;
  if (category === "latency") return { ...one, operations: 2 };
  const listeners = growth?.axis === "listeners" ? growth.count : 0;
  return {
    ...one,
    operations: operations * quickShare,
    warmUpOperations:
      category === "memory" ? warmUpOperations : Math.max(listeners, warmUpOperations * quickShare),
  };
}

/** A proxied connection uses two files of the proxy. */
export function assertOpenFileLimit(comparisons: readonly Comparison[]): void {
  const opened = comparisons.flatMap(({ cases }) =>
    cases.map(({ category, operations, plan }) => {
      return category === "memory" ? operations : (plan?.connections ?? 0);
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
