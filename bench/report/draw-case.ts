import * as Plot from "@observablehq/plot";
import type { CaseResult } from "./bench-result.ts";
import { colorScaleOf } from "./palette.ts";
import { plotSvg } from "./plot-svg.ts";

const rowHeight = 28;
const frame = { marginTop: 6, marginBottom: 36, marginLeft: 108, marginRight: 96 };

/** Medians as bars, with the range of the runs. */
export function drawCase({ case: benchCase, figures }: CaseResult): string {
  const subjects = figures.map(({ subject }) => subject);
  const rows = figures.map((figure) => ({
    ...figure,
    text: `${figure.median.toFixed(benchCase.decimals)}${figure.ratio === undefined ? "" : ` (${figure.ratio.toFixed(2)})`}`,
  }));
  return plotSvg({
    ...frame,
    width: 560,
    height: frame.marginTop + frame.marginBottom + rows.length * rowHeight,
    x: {
      label: `${benchCase.unit}, less is better`,
      labelArrow: "none",
      grid: true,
      zero: true,
      ticks: 5,
    },
    y: { domain: subjects, label: null, tickSize: 0 },
    color: colorScaleOf(subjects),
    marks: [
      Plot.barX(rows, { x: "median", y: "subject", fill: "subject", insetTop: 4, insetBottom: 4 }),
      Plot.ruleY(rows, {
        x1: "min",
        x2: "max",
        y: "subject",
        stroke: "currentColor",
        strokeWidth: 1.5,
      }),
      Plot.tickX(rows, { x: "min", y: "subject", stroke: "currentColor", inset: 9 }),
      Plot.tickX(rows, { x: "max", y: "subject", stroke: "currentColor", inset: 9 }),
      Plot.text(rows, {
        ...{ x: "max", y: "subject", text: "text", dx: 6, textAnchor: "start" },
        fill: "currentColor",
      }),
      Plot.ruleX([0], { stroke: "currentColor" }),
    ],
  });
}
