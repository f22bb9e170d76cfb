import assert from "node:assert/strict";
import { test } from "node:test";
import { figuresOf, medianOf } from "./bench-result.ts";

test("the median of an even count lies between the two in the middle", () => {
  assert.equal(medianOf([9, 1, 5]), 5);
  assert.equal(medianOf([1, 9, 5, 3]), 4);
});

test("a ratio is the median over HAProxy's", () => {
  const measured = new Map([
    ["haproxy", [{ value: 4 }, { value: 2 }, { value: 100 }]],
    ["director/bun", [{ value: 3, workers: 2.5 }]],
  ]);
  assert.deepEqual(
    figuresOf(measured).map(({ subject, ratio, min, max }) => ({ subject, ratio, min, max })),
    [
      { subject: "haproxy", ratio: 1, min: 2, max: 100 },
      { subject: "director/bun", ratio: 0.75, min: 3, max: 3 },
    ],
  );
});

test("without HAProxy there are no ratios", () => {
  const [figure] = figuresOf(new Map([["nginx", [{ value: 1 }]]]));
  assert.equal(figure?.ratio, undefined);
});
