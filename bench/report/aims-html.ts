import { engines } from "../subjects/director.ts";
import type { BenchResult, CaseResult } from "./bench-result.ts";
import { escapeMarkup } from "./escape-markup.ts";

/** What was wanted and what was got, engine by engine; empty where no case has an aim and a ratio. */
export function aimsHtml({ cases }: BenchResult): string {
  const rows = cases
    .filter(({ case: { aims }, figures }) => aims && figures.some(({ ratio }) => ratio))
    .map((one) => {
      const cells = engines.map((engine) => cellOf(one, engine)).join("");
      return `<tr><td>${escapeMarkup(one.case.label)}</td>${cells}</tr>`;
    });
  const head = engines.map((engine) => `<th>director/${engine}</th><th>aim</th>`).join("");
  return rows.length === 0
    ? ""
    : `<table><thead><tr><th>ratio to HAProxy</th>${head}</tr></thead><tbody>${rows.join("\n")}</tbody></table>`;
}

function cellOf({ case: { aims }, figures }: CaseResult, engine: (typeof engines)[number]): string {
  const ratio = figures.find(({ subject }) => subject === `director/${engine}`)?.ratio;
  const aim = aims?.[engine];
  if (ratio === undefined || aim === undefined) {
    return `<td></td><td>${aim?.toFixed(2) ?? ""}</td>`;
  }
  const [className, mark] = ratio <= aim ? ["good", "✓"] : ["bad", "✗"];
  return `<td class="${className}">${ratio.toFixed(2)} ${mark}</td><td>${aim.toFixed(2)}</td>`;
}
