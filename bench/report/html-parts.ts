import { escapeMarkup } from "./escape-markup.ts";
import { colorOf } from "./palette.ts";

export function tableHtml(
  head: readonly string[],
  rows: readonly (readonly string[])[],
  className = "",
): string {
  const cellsOf = (tag: string, cells: readonly string[]) =>
    cells.map((cell) => `<${tag}>${escapeMarkup(cell)}</${tag}>`).join("");
  const body = rows.map((row) => `<tr>${cellsOf("td", row)}</tr>`).join("\n");
  return `<table class="${className}"><thead><tr>${cellsOf("th", head)}</tr></thead><tbody>\n${body}\n</tbody></table>`;
}

export function legendHtml(subjects: readonly string[]): string {
  const entries = subjects.map(
    (subject) => `<li><i style="background:${colorOf(subject)}"></i>${escapeMarkup(subject)}</li>`,
  );
  return `<ul class="legend">${entries.join("")}</ul>`;
}

export const paragraphHtml = (text: string, className = ""): string =>
  `<p class="${className}">${escapeMarkup(text)}</p>`;
