import { engines } from "../subjects/director.ts";
import type { BenchResult, CaseResult, Figure } from "./bench-result.ts";

export interface CaseTable {
  readonly head: readonly string[];
  readonly rows: readonly (readonly string[])[];
}

/** What terminal and report show of a case; columns that nobody fills are left out. */
export function caseTableOf(
  { case: benchCase, figures, absent }: CaseResult,
  requestUs: ReadonlyMap<string, number>,
): CaseTable {
  const isNewConnection = benchCase.family === "handshakes";
  const withoutRequest = ({ subject, median }: Figure) =>
    isNewConnection && requestUs.has(subject) ? median - (requestUs.get(subject) ?? 0) : undefined;
  const numberOf = (value: number | undefined) => value?.toFixed(benchCase.decimals) ?? "";
  const rows = figures.map((figure) => [
    figure.subject,
    numberOf(figure.median),
    `${numberOf(figure.min)}-${numberOf(figure.max)}`,
    figure.ratio?.toFixed(2) ?? "",
    aimTextOf(figure.subject, benchCase.aims),
    numberOf(withoutRequest(figure)),
    numberOf(figure.workersMedian),
    percentOf(figure.busyMedian),
    percentOf(figure.resumedMedian),
    figure.lateP99UsMedian?.toFixed(0) ?? "",
  ]);
  const head = [
    ...["", `median (${benchCase.unit})`, "range", "/ haproxy", "aim"],
    ...["less a request", "worker alone", "core busy", "resumed", "load late p99 (us)"],
  ];
  const absentRows = absent.map(({ subject }) => [subject, "n/a", ...head.slice(2).map(() => "")]);
  const isShown = head.map((_, column) => column === 0 || rows.some((row) => row[column] !== ""));
  const shown = (row: readonly string[]) => row.filter((_, column) => isShown[column]);
  return { head: shown(head), rows: [...rows, ...absentRows].map(shown) };
}

/** Median cost of a keep-alive request by subject, to tell it from the rest of a new connection; empty if not measured. */
export function requestUsOf({ cases }: BenchResult): ReadonlyMap<string, number> {
  const requests = cases.find(({ case: { name } }) => name === "requests");
  return new Map(requests?.figures.map(({ subject, median }) => [subject, median]));
}

/** Who cannot do a case, and why, in a sentence for each reason. */
export function absenceTextsOf({ absent }: CaseResult): string[] {
  return [...Map.groupBy(absent, ({ reason }) => reason)].map(
    ([reason, those]) => `n/a: ${those.map(({ subject }) => subject).join(", ")} (${reason}).`,
  );
}

/** How much was done, in words. */
export function amountTextOf({ case: benchCase, figures }: CaseResult): string {
  const runs = figures[0]?.runs.length ?? 0;
  const counted = runs === 1 ? "1 run" : `${runs} runs`;
  const { family, operations } = benchCase;
  const each = {
    handshakes: () => `${operations.toLocaleString("en")} connections`,
    requests: () => `${operations.toLocaleString("en")} requests`,
    bulk: () => `${Math.round(operations / 1024 / 1024)} MiB`,
    memory: () => `${operations.toLocaleString("en")} connections`,
    latency: () => `${operations} s`,
    growth: () => `${operations.toLocaleString("en")} operations`,
  }[family]();
  return `${counted} of ${each}`;
}

function aimTextOf(subject: string, aims: CaseResult["case"]["aims"]): string {
  const engine = engines.find((name) => subject === `director/${name}`);
  return (engine && aims?.[engine].toFixed(2)) ?? "";
}

function percentOf(share: Figure["busyMedian"]): string {
  return share === undefined ? "" : `${Math.round(share * 100)} %`;
}
