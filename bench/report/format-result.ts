import { alignColumns } from "./align-columns.ts";
import type { BenchResult, CaseResult, SubjectResult } from "./bench-result.ts";
import { absenceTextsOf, amountTextOf, caseTableOf, requestUsOf } from "./case-table.ts";
import { growthSeriesOf } from "./growth-series.ts";
import { notesOf } from "./result-notes.ts";

/** The tables that end a run on the terminal. */
export function formatResult(result: BenchResult): string {
  const cases = result.cases.filter((one) => one.case.growth === undefined || one.refusal);
  return [
    ...cases.map((one) => formatCase(one, requestUsOf(result))),
    ...growthSeriesOf(result).map(({ title, head, rows }) => {
      return `${title}\n${alignColumns([head, ...rows], true)}`;
    }),
    formatSubjects(result.subjects),
    ...notesOf(result),
  ].join("\n\n");
}

function formatCase(result: CaseResult, requestUs: ReadonlyMap<string, number>): string {
  const { case: benchCase, refusal, note } = result;
  if (refusal !== undefined) {
    return `${benchCase.title}\n  NOT COMPARED: ${refusal}`;
  }
  const { head, rows } = caseTableOf(result, requestUs);
  return [
    `${benchCase.title} (${amountTextOf(result)})`,
    alignColumns([head, ...rows], true),
    ...absenceTextsOf(result).map((text) => `  ${text}`),
    ...(note === undefined ? [] : [`  ${note}`]),
  ].join("\n");
}

function formatSubjects(subjects: readonly SubjectResult[]): string {
  const rows = subjects.map(({ name, version, tlsLibrary }) => [name, version, tlsLibrary]);
  return alignColumns([["", "version", "TLS library"], ...rows], false);
}
