import type { Chart } from "./draw-overview.ts";
import { escapeMarkup } from "./escape-markup.ts";
import { colorOf } from "./palette.ts";

const headHeight = 78;
const padding = 12;
/** Of the system's sans-serif, roughly; only the legend's gaps depend on it. */
const characterWidth = 7.2;
const legendGap = 34;

/** A chart as a file of its own: with title and legend, and readable on light and dark pages. */
export function standaloneSvg({ svg, width, height, title, subtitle, subjects }: Chart): string {
  const wholeWidth = width + 2 * padding;
  const wholeHeight = height + headHeight + padding;
  let x = padding + 6;
  const legend = subjects.map((subject) => {
    const entry = `<circle cx="${x}" cy="62" r="5" fill="${colorOf(subject)}"/><text x="${x + 10}" y="66" font-size="12">${escapeMarkup(subject)}</text>`;
    x += subject.length * characterWidth + legendGap;
    return entry;
  });
  const placed = svg.replace(/^<svg/, `<svg x="${padding}" y="${headHeight}"`);
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${wholeWidth} ${wholeHeight}" width="${wholeWidth}" height="${wholeHeight}" font-family="system-ui, sans-serif" role="img" aria-label="${escapeMarkup(title)}">
<style>svg{color:#1f2328}.page{fill:#fff}@media(prefers-color-scheme:dark){svg{color:#e6edf3}.page{fill:#0d1117}}</style>
<rect class="page" width="100%" height="100%" rx="8"/>
<g fill="currentColor"><text x="${padding}" y="24" font-size="16" font-weight="600">${escapeMarkup(title)}</text>
<text x="${padding}" y="43" font-size="12" opacity="0.8">${escapeMarkup(subtitle)}</text>
${legend.join("\n")}</g>
${placed}
</svg>
`;
}
