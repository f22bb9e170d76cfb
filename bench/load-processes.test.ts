import assert from "node:assert/strict";
import { test } from "node:test";
import { shareOf } from "./load-processes.ts";
import { percentileOf } from "./load/latency.ts";
import { defaultTls, type LoadPlan } from "./load/messages.ts";

test("several load processes together do at least all the work of a plan", () => {
  const plan: LoadPlan = {
    load: "open-requests",
    target: { listeners: [], caPem: "" },
    tls: defaultTls,
    concurrency: 16,
    operations: 2_000,
    connections: 100,
  };
  const { concurrency, operations, connections } = shareOf(plan, 3);
  assert.deepEqual([concurrency, operations, connections], [6, 667, 34]);
  assert.deepEqual(shareOf(plan, 1), plan);
});

test("a percentile is one of the measured values", () => {
  const hundred = Float64Array.from({ length: 100 }, (_, index) => 100 - index);
  assert.equal(percentileOf(hundred, 50), 50);
  assert.equal(percentileOf(hundred, 99), 99);
  assert.equal(percentileOf(Float64Array.of(7), 50), 7);
});
