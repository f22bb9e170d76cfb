import * as Plot from "@observablehq/plot";
import { engines } from "../subjects/director.ts";
import { referenceSubject, type BenchResult } from "./bench-result.ts";
import { colorOf, colorScaleOf, isDirector } from "./palette.ts";
import { plotSvg } from "./plot-svg.ts";

export interface Chart {
  readonly svg: string;
  readonly width: number;
  readonly height: number;
  readonly title: string;
  readonly subtitle: string;
  readonly subjects: readonly string[];
}

const width = 900;
const rowHeight = 46;
const frame = { marginTop: 24, marginBottom: 40, marginLeft: 290, marginRight: 24 };

/** Ratios to HAProxy, a row for each case; undefined where HAProxy was not measured. */
export function drawOverview(result: BenchResult): Chart | undefined {
  const cases = result.cases.filter(
    ({ case: { growth }, figures }) =>
      growth === undefined && figures.some(({ ratio }) => ratio !== undefined),
  );
  const dots = cases.flatMap(({ case: { label }, figures }) => {
    const reference = figures.find(({ subject }) => subject === referenceSubject)?.median ?? 1;
    return figures.flatMap(({ subject, ratio, min, max }) =>
      ratio === undefined || min <= 0 || subject === referenceSubject
        ? []
        : [{ label, subject, ratio, min: min / reference, max: max / reference }],
    );
  });
  const aims = cases.flatMap(({ case: { label, aims: wanted } }) =>
    engines.flatMap((engine) => {
      const subject = `director/${engine}`;
      const isMeasured = dots.some((dot) => dot.subject === subject);
      return wanted && isMeasured ? [{ label, subject, ratio: wanted[engine] }] : [];
    }),
  );
  if (dots.length === 0) {
    return undefined;
  }
  const peers = dots.filter(({ subject }) => !isDirector(subject));
  const own = dots.filter(({ subject }) => isDirector(subject));
  const subjects = result.subjects.map(({ name }) => name).filter((name) => name !== "haproxy");
  const extent = [...dots.flatMap(({ min, max }) => [min, max]), 0.5, 2];
  const lowest = Math.min(...extent) * 0.92;
  const highest = Math.max(...extent) * 1.12;
  const height = frame.marginTop + frame.marginBottom + cases.length * rowHeight;
  // Engines have a line each, so that neither hides the other.
  const lineOf = (subject: string) => (subject === `director/${engines[0]}` ? -9 : 9);
  const svg = plotSvg({
    ...frame,
    width,
    height,
    x: {
      type: "log",
      domain: [lowest, highest],
      ticks: [0.1, 0.2, 0.5, 1, 2, 5, 10, 20].filter((tick) => tick > lowest && tick < highest),
      tickFormat: (ratio: number) => `${ratio}`,
      label: "ratio to HAProxy (log scale)",
      labelAnchor: "center",
      labelArrow: "none",
      grid: true,
    },
    y: {
      type: "band",
      domain: cases.map(({ case: { label } }) => label),
      label: null,
      tickSize: 0,
    },
    color: colorScaleOf(subjects),
    marks: [
      Plot.ruleX([1], { stroke: colorOf(referenceSubject), strokeWidth: 2 }),
      Plot.text(["HAProxy = 1"], {
        x: () => 1,
        frameAnchor: "top",
        dy: -14,
        fill: "currentColor",
      }),
      Plot.dot(peers, { x: "ratio", y: "label", stroke: "subject", r: 4, strokeWidth: 1.5 }),
      ...[...Map.groupBy(own, ({ subject }) => subject)].flatMap(([subject, group]) => [
        Plot.ruleY(group, {
          ...{ x1: "min", x2: "max", y: "label", dy: lineOf(subject) },
          ...{ stroke: "subject", strokeWidth: 3, strokeOpacity: 0.45 },
        }),
        Plot.dot(group, { x: "ratio", y: "label", fill: "subject", r: 5.5, dy: lineOf(subject) }),
        Plot.text(group, {
          ...{ x: "max", y: "label", dx: 10, dy: lineOf(subject), textAnchor: "start" },
          ...{ text: ({ ratio }: { ratio: number }) => ratio.toFixed(2) },
          ...{ fill: "currentColor", fontWeight: 600 },
        }),
        Plot.tickX(
          aims.filter((aim) => aim.subject === subject),
          {
            ...{ x: "ratio", y: "label", stroke: "subject", strokeWidth: 1.5 },
            ...{ strokeDasharray: "2,2", insetTop: 2, insetBottom: 2 },
          },
        ),
      ]),
    ],
  });
  return {
    svg,
    width,
    height,
    title: "Cost beside HAProxy: further left is better",
    subtitle:
      "Filled: median of TLS Director, bar: lowest to highest run. Rings: other programs. Dashed: aim.",
    subjects,
  };
}
