import type { GrowthAxis } from "../cases/bench-case.ts";
import type { BenchResult, CaseResult, Figure } from "./bench-result.ts";

/** How one operation's cost goes with one count, for each subject. */
export interface GrowthSeries {
  readonly title: string;
  readonly axis: GrowthAxis;
  readonly head: readonly string[];
  readonly rows: readonly (readonly string[])[];
  readonly points: readonly GrowthPoint[];
}

export interface GrowthPoint {
  readonly subject: string;
  readonly count: number;
  readonly median: number;
  readonly min: number;
  readonly max: number;
  /** Over the median at the smallest count. */
  readonly growth: number;
}

/** More than this is marked. */
const allowedPercent = 10;

const axisTexts: Record<GrowthAxis, string> = {
  listeners: "by listeners",
  connections: "by open connections",
  workers: "by workers",
};

export function growthSeriesOf({ cases }: BenchResult): GrowthSeries[] {
  const measured = cases.filter(({ figures }) => figures.length > 0);
  const groups = Map.groupBy(measured, ({ case: { growth, label } }) =>
    growth === undefined ? "" : `${label} (us), ${axisTexts[growth.axis]}`,
  );
  groups.delete("");
  return [...groups].map(([label, results]) => {
    const isMixed = results.some(({ figures }) => figures.some((one) => one.resumedMedian));
    const title = isMixed ? `${label}; in parentheses: resumed` : label;
    const points = results.flatMap((result) =>
      result.figures.map((one) => pointOf(one, result, results)),
    );
    const counts = results.map((result) => result.case.growth?.count ?? 0);
    const bySubject = Map.groupBy(points, ({ subject }) => subject);
    return {
      title,
      axis: results[0]?.case.growth?.axis ?? "listeners",
      head: ["", ...counts.map((count) => count.toLocaleString("en")), "growth"],
      rows: [...bySubject].map(([subject, own]) => rowOf(subject, own, counts, results)),
      points,
    };
  });
}

function pointOf(figure: Figure, result: CaseResult, results: readonly CaseResult[]): GrowthPoint {
  const { subject, median, min, max } = figure;
  const count = result.case.growth?.count ?? 0;
  const first = results[0]?.figures.find((one) => one.subject === subject)?.median ?? median;
  return { subject, count, median, min, max, growth: median / first };
}

function rowOf(
  subject: string,
  points: readonly GrowthPoint[],
  counts: readonly number[],
  results: readonly CaseResult[],
): string[] {
  const cells = counts.map((count) => {
    const resumed = results
      .find((result) => result.case.growth?.count === count)
      ?.figures.find((figure) => figure.subject === subject)?.resumedMedian;
    const median = points.find((point) => point.count === count)?.median.toFixed(1) ?? "n/a";
    return resumed === undefined ? median : `${median} (${Math.round(resumed * 100)} %)`;
  });
  const most = Math.max(...points.map(({ growth }) => growth));
  const percent = Math.round((most - 1) * 100);
  const mark = percent > allowedPercent ? " !" : "";
  return [subject, ...cells, `${percent} %${mark}`];
}
