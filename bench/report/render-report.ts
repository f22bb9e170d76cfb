import { familyNames, type FamilyName } from "../cases/bench-case.ts";
import { aimsHtml } from "./aims-html.ts";
import type { BenchResult, CaseResult, SubjectResult } from "./bench-result.ts";
import { absenceTextsOf, amountTextOf, caseTableOf, requestUsOf } from "./case-table.ts";
import { drawCase } from "./draw-case.ts";
import { drawGrowth } from "./draw-growth.ts";
import { drawOverview } from "./draw-overview.ts";
import { escapeMarkup } from "./escape-markup.ts";
import { growthSeriesOf } from "./growth-series.ts";
import { legendHtml, paragraphHtml, tableHtml } from "./html-parts.ts";
import { reportStyle } from "./report-style.ts";
import { notesOf } from "./result-notes.ts";

const familyTitles: Record<FamilyName, string> = {
  handshakes: "New connections: handshake and one request",
  requests: "Keep-alive requests",
  bulk: "Bulk transfer",
  memory: "Memory",
  latency: "Latency",
  growth: "How cost grows",
};

/** A page that needs nothing else: no script, no font, no file beside it. */
export function renderReport(result: BenchResult): string {
  const day = result.date.slice(0, 10);
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>TLS Director bench, ${day}</title>
<style>${reportStyle}</style>
</head>
<body>
<h1>TLS Director beside its peers</h1>
${paragraphHtml(`${result.date.slice(0, 16).replace("T", " ")} UTC. Less is better in every figure.`, "soft")}
${overviewHtml(result)}
${familyNames.map((family) => familyHtml(result, family)).join("\n")}
<h2>What was compared</h2>
${tableHtml(["", "version", "TLS library"], result.subjects.map(buildRowOf), "texts")}
<ul>${notesOf(result)
    .map((note) => `<li>${escapeMarkup(note)}</li>`)
    .join("\n")}</ul>
<h2>Configurations</h2>
${result.subjects.map(configurationHtml).join("\n")}
</body>
</html>
`;
}

function overviewHtml(result: BenchResult): string {
  const chart = drawOverview(result);
  const aims = aimsHtml(result);
  return [
    chart === undefined
      ? ""
      : `<h2>${escapeMarkup(chart.title)}</h2>${paragraphHtml(chart.subtitle, "soft")}${legendHtml(chart.subjects)}<div class="card">${chart.svg}</div>`,
    aims === "" ? "" : `<h2>Aims</h2>${aims}`,
  ].join("\n");
}

function familyHtml(result: BenchResult, family: FamilyName): string {
  const own = result.cases.filter((one) => one.case.family === family);
  if (own.length === 0) {
    return "";
  }
  const refused = own.filter(({ refusal }) => refusal !== undefined);
  const cards =
    family === "growth"
      ? growthCards(result)
      : own.filter(isCompared).map((one) => caseCard(one, requestUsOf(result)));
  const all = [...refused.map(refusalCard), ...cards];
  return `<h2>${familyTitles[family]}</h2>\n<div class="cards">${all.join("\n")}</div>`;
}

const isCompared = ({ refusal }: CaseResult): boolean => refusal === undefined;

function caseCard(result: CaseResult, requestUs: ReadonlyMap<string, number>): string {
  const { head, rows } = caseTableOf(result, requestUs);
  const note = result.note ?? "";
  const texts = [`${amountTextOf(result)}.`, ...absenceTextsOf(result), note];
  return `<section class="card"><h3>${escapeMarkup(result.case.title)}</h3>
${drawCase(result)}
${tableHtml(head, rows)}
${paragraphHtml(texts.join(" "), "soft")}</section>`;
}

function growthCards(result: BenchResult): string[] {
  return growthSeriesOf(result).map((series) => {
    const subjects = [...new Set(series.points.map(({ subject }) => subject))];
    return `<section class="card"><h3>${escapeMarkup(series.title)}</h3>
${legendHtml(subjects)}${drawGrowth(series)}
${tableHtml(series.head, series.rows)}</section>`;
  });
}

function refusalCard({ case: { title }, refusal = "" }: CaseResult): string {
  return `<section class="card refusal"><h3>${escapeMarkup(title)}</h3>${paragraphHtml(`Not compared: ${refusal}`)}</section>`;
}

function buildRowOf({ name, version, tlsLibrary }: SubjectResult): string[] {
  return [name, version, tlsLibrary];
}

function configurationHtml({ name, configuration }: SubjectResult): string {
  return `<details><summary>${escapeMarkup(name)}</summary><pre>${escapeMarkup(configuration)}</pre></details>`;
}
