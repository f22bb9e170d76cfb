import assert from "node:assert/strict";
import { test } from "node:test";
import { growthSeriesOf } from "./growth-series.ts";
import { sampleResult } from "./sample-result.ts";

test("growth is over the first point, and marked from more than 10 percent on", () => {
  const [connections] = growthSeriesOf(sampleResult());
  assert.ok(connections);
  assert.deepEqual(connections.head.slice(1, 3), ["100", "8,000"]);
  assert.deepEqual(connections.rows, [
    ["haproxy", "20.0", "21.0", "5 %"],
    ["director/bun", "20.0", "25.0", "25 % !"],
  ]);
});
