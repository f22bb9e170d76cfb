import assert from "node:assert/strict";
import { test } from "node:test";
import { figuresOf } from "./bench-result.ts";
import { drawOverview } from "./draw-overview.ts";
import { sampleResult } from "./sample-result.ts";
import { standaloneSvg } from "./standalone-svg.ts";

test("the chart shows the director's ratios, and stands alone with title and legend", () => {
  const chart = drawOverview(sampleResult());
  assert.ok(chart);
  const svg = standaloneSvg(chart);
  assert.match(svg, /^<svg xmlns="http:\/\/www\.w3\.org\/2000\/svg"/);
  for (const text of ["0.68", "0.86", "HAProxy = 1", "director/bun", "further left is better"]) {
    assert.ok(svg.includes(text), text);
  }
  assert.match(svg, /prefers-color-scheme:dark/);
});

test("without HAProxy there is no chart of ratios", () => {
  const result = sampleResult();
  const cases = result.cases.map((one) => ({
    ...one,
    figures: figuresOf(new Map(one.figures.slice(1).map(({ subject, runs }) => [subject, runs]))),
  }));
  assert.equal(drawOverview({ ...result, cases }), undefined);
});
