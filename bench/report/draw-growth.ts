import * as Plot from "@observablehq/plot";
import type { GrowthSeries } from "./growth-series.ts";
import { colorScaleOf } from "./palette.ts";
import { plotSvg } from "./plot-svg.ts";

/** Cost over that at the smallest count; inside the band it has not grown. */
export function drawGrowth({ axis, points }: GrowthSeries): string {
  const subjects = [...new Set(points.map(({ subject }) => subject))];
  const counts = [...new Set(points.map(({ count }) => count))];
  const highest = Math.max(...points.map(({ growth }) => growth), 1.25);
  const lowest = Math.min(...points.map(({ growth }) => growth), 0.75);
  return plotSvg({
    width: 560,
    height: 220,
    ...{ marginTop: 20, marginBottom: 40, marginLeft: 60, marginRight: 110 },
    x: {
      type: "point",
      domain: counts,
      tickFormat: (count: number) => count.toLocaleString("en"),
      label: axis === "connections" ? "open connections" : axis,
      labelArrow: "none",
    },
    y: {
      domain: [lowest, highest],
      label: "cost over that of the first point",
      labelArrow: "none",
      grid: true,
      ticks: 5,
    },
    color: colorScaleOf(subjects),
    marks: [
      Plot.rect([{}], { y1: 0.9, y2: 1.1, fill: "currentColor", fillOpacity: 0.08 }),
      Plot.ruleY([1], { stroke: "currentColor", strokeOpacity: 0.5 }),
      Plot.line(points, { x: "count", y: "growth", stroke: "subject", strokeWidth: 2 }),
      Plot.dot(points, { x: "count", y: "growth", fill: "subject", r: 4 }),
    ],
  });
}
