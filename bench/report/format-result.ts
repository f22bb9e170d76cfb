import { cipherSuite, tlsVersion } from "../load/messages.ts";
import {
  medianOf,
  type BenchResult,
  type CaseResult,
  type Figure,
  type Measurement,
} from "./result.ts";

/** Growth above this is marked. */
const markedGrowthPercent = 10;

/** The tables and notes that a run prints at its end. */
export function formatResult(result: BenchResult): string {
  const failed = result.cases.filter(({ error }) => error !== undefined);
  const measured = result.cases.filter(({ error }) => error === undefined);
  const series = Map.groupBy(measured, ({ case: { growth, label } }) =>
    growth === undefined ? "" : `${label} (us), by number of ${growth.axis}`,
  );
  const single = series.get("") ?? [];
  series.delete("");
  const builds = result.proxies.map(({ name, version, tlsLibrary }) => [name, version, tlsLibrary]);
  return [
    ...single.map(formatCase),
    ...[...series].map(([title, cases]) => `${title}\n${formatGrowth(cases)}`),
    ...failed.map(({ case: { title }, error }) => `${title}\n  NOT COMPARED: ${error}`),
    alignColumns([["", "version", "TLS library"], ...builds], "left"),
    ...notesOf(result),
  ].join("\n\n");
}

function formatCase({ case: benchCase, figures, unsupported, note }: CaseResult): string {
  const { title, unit, decimals, tls } = benchCase;
  const head = [
    ...["", `median (${unit})`, "range", "/ haproxy", "/ before"],
    ...["workers alone", "core busy", "resumed", "logged", "load late p99 (us)"],
  ];
  const rows = figures.map((figure) => [
    figure.proxy,
    figure.median.toFixed(decimals),
    `${figure.min.toFixed(decimals)}-${figure.max.toFixed(decimals)}`,
    figure.ratio?.toFixed(2) ?? "",
    changeText(figure, figures),
    medianText(figure, (run) => run.workers, decimals),
    percentText(figure, (run) => run.busy),
    percentText(figure, (run) => run.resumed),
    percentText(figure, (run) => run.logged),
    medianText(figure, (run) => run.lateP99Us, 0),
  ]);
  const isShown = head.map((_, column) => column === 0 || rows.some((row) => row[column] !== ""));
  const shown = [head, ...rows].map((row) => row.filter((_, column) => isShown[column]));
  const missing = `not measured, because the TLS library does not support ${tls.group}`;
  return [
    `${title} (runs: ${figures[0]?.runs.length ?? 0})`,
    ...(figures.length === 0 ? [] : [alignColumns(shown, "right")]),
    ...(unsupported.length === 0 ? [] : [`  ${unsupported.join(", ")}: ${missing}`]),
    ...(note === undefined ? [] : [`  ${note}`]),
  ].join("\n");
}

/** Formats the ratio to the same engine of the tree of --against. An asterisk says that the ranges do not overlap. */
function changeText({ proxy, median, min, max }: Figure, figures: readonly Figure[]): string {
  const before = figures.find((one) => one.proxy === proxy.replace(/^director\//, "before/"));
  if (before === undefined || before.proxy === proxy) return "";
  const isDistinct = max < before.min || before.max < min;
  return `${(median / before.median).toFixed(2)}${isDistinct ? " *" : "  "}`;
}

/** One row for each proxy, one column for each case of a series. */
function formatGrowth(cases: readonly CaseResult[]): string {
  const counts = cases.map(({ case: { growth } }) => growth?.count.toLocaleString("en") ?? "");
  const proxies = [...new Set(cases.flatMap(({ figures }) => figures.map(({ proxy }) => proxy)))];
  const rows = proxies.map((proxy) => {
    const figures = cases.map((one) => one.figures.find((figure) => figure.proxy === proxy));
    const cells = figures.map((figure) => {
      const resumed = figure && percentText(figure, (run) => run.resumed);
      return (figure?.median.toFixed(1) ?? "") + (resumed ? ` (${resumed} resumed)` : "");
    });
    const medians = figures.flatMap((figure) => figure?.median ?? []);
    const percent = Math.round((Math.max(...medians) / (medians[0] ?? Number.NaN) - 1) * 100);
    return [proxy, ...cells, `${percent} %${percent > markedGrowthPercent ? " !" : ""}`];
  });
  return alignColumns([["", ...counts, "growth"], ...rows], "right");
}

/** What a reader needs to know to judge the figures. */
function notesOf({ machine, cases, isQuick }: BenchResult): string[] {
  const { processor, cores, kernel, loadAverage, loadRuntime, loadCores } = machine;
  const average = loadAverage.toFixed(1);
  const isBusy = loadAverage > cores / 4;
  const hasGrowth = cases.some(({ case: { growth } }) => growth !== undefined);
  return [
    ...(isBusy
      ? [
          `The machine was busy before the start (load average ${average}): CPU times and latencies of all proxies are higher than on an idle machine.`,
        ]
      : []),
    ...(isQuick ? ["This was a quick run. Its figures are for a first look only."] : []),
    ...(hasGrowth
      ? [
          `Growth is the highest median of a row compared with its first. An exclamation mark means more than ${markedGrowthPercent} %. The row of HAProxy shows how much of it is due to machine and load.`,
        ]
      : []),
    `Every connection used ${tlsVersion} with ${cipherSuite}. The proxy had a core of its own. CPU time is that of all its processes.`,
    `Load and endpoint: ${loadRuntime}, on ${loadCores} of ${cores} cores. ${processor}, Linux ${kernel}, load average ${average} before the start.`,
    "docs/bench.md explains the columns.",
  ];
}

type ValueOf = (run: Measurement) => number | undefined;

function medianText({ runs }: Figure, valueOf: ValueOf, decimals: number): string {
  const values = runs.flatMap((run) => valueOf(run) ?? []);
  return values.length === 0 ? "" : medianOf(values).toFixed(decimals);
}

function percentText({ runs }: Figure, shareOf: ValueOf): string {
  const shares = runs.flatMap((run) => shareOf(run) ?? []);
  return shares.length === 0 ? "" : `${Math.round(medianOf(shares) * 100)} %`;
}

/** The first column is aligned to the left, the others as asked. */
export function alignColumns(
  table: readonly (readonly string[])[],
  others: "left" | "right",
): string {
  const widthOf = (column: number) => Math.max(...table.map((row) => row[column]?.length ?? 0));
  const widths = (table[0] ?? []).map((_, column) => widthOf(column));
  const align = (cell: string, column: number): string => {
    const width = widths[column] ?? 0;
    return others === "right" && column > 0 ? cell.padStart(width) : cell.padEnd(width);
  };
  return table.map((row) => `  ${row.map(align).join("  ").trimEnd()}`).join("\n");
}
