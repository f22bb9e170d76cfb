import type { BenchResult, CaseResult, SubjectResult } from "./bench-result.ts";

/** The tables that end a run on the terminal. */
export function formatResult(result: BenchResult): string {
  const { machine } = result;
  return [
    ...result.cases.map((caseResult) => formatCase(caseResult, result.runs)),
    formatSubjects(result.subjects),
    `All of them: ${result.negotiated}; ECDSA P-256; one core each; tickets at their defaults, never used.`,
    "Core busy is the share of a run in which the subject was on its core: far below 100 %, the load or other programs were the limit.",
    `Load and endpoint: ${machine.loadRuntime}, on the other cores. ${machine.processor}, ${machine.cores} cores, Linux ${machine.kernel}, load average ${machine.loadAverage.toFixed(1)} before the start.`,
    ...(result.isQuick ? ["A quick run: good for a first look, not for a claim."] : []),
  ].join("\n\n");
}

function formatCase({ case: benchCase, figures }: CaseResult, runs: number): string {
  const numberOf = (value: number | undefined) => value?.toFixed(benchCase.decimals) ?? "";
  const rows = figures.map((figure) => [
    figure.subject,
    numberOf(figure.median),
    numberOf(figure.min),
    numberOf(figure.max),
    figure.ratio?.toFixed(2) ?? "",
    numberOf(figure.workersMedian),
    figure.busyMedian === undefined ? "" : `${Math.round(figure.busyMedian * 100)} %`,
  ]);
  const head = ["", "median", "min", "max", "/ haproxy", "worker alone", "core busy"];
  const shown = head.map((_, column) => column === 0 || rows.some((row) => row[column] !== ""));
  const table = [head, ...rows].map((row) => row.filter((_, column) => shown[column]));
  return `${benchCase.title} (${benchCase.unit}; ${runs} runs of ${operationsOf(benchCase)})\n${alignColumns(table, true)}`;
}

function operationsOf(benchCase: CaseResult["case"]): string {
  return benchCase.name === "bulk"
    ? `${Math.round(benchCase.operations / 1024 / 1024)} MiB`
    : benchCase.operations.toLocaleString("en");
}

function formatSubjects(subjects: readonly SubjectResult[]): string {
  const rows = subjects.map(({ name, version, tlsLibrary }) => [name, version, tlsLibrary]);
  return alignColumns([["", "version", "TLS library"], ...rows], false);
}

function alignColumns(table: readonly (readonly string[])[], isNumeric: boolean): string {
  const widthOf = (column: number) => Math.max(...table.map((row) => row[column]?.length ?? 0));
  const align = (cell: string, column: number) =>
    isNumeric && column > 0 ? cell.padStart(widthOf(column)) : cell.padEnd(widthOf(column));
  return table.map((row) => `  ${row.map(align).join("  ").trimEnd()}`).join("\n");
}
