import assert from "node:assert/strict";
import { test } from "node:test";
import { percentileOf } from "./percentile.ts";

test("a percentile is a value that was measured, by nearest rank", () => {
  const hundred = Float64Array.from({ length: 100 }, (_, index) => 100 - index);
  assert.equal(percentileOf(hundred, 50), 50);
  assert.equal(percentileOf(hundred, 99), 99);
  assert.equal(percentileOf(hundred, 100), 100);
  assert.equal(percentileOf(Float64Array.of(7), 50), 7);
});
