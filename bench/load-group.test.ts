import assert from "node:assert/strict";
import { test } from "node:test";
import { planShareOf } from "./load-group.ts";
import { usualTerms } from "./load/terms.ts";

test("several load processes share a plan's work and do at least all of it", () => {
  const plan = {
    target: { listeners: [], chainPem: "" },
    terms: usualTerms,
    concurrency: 16,
    operations: 2_000,
    connections: 100,
  };
  const { concurrency, operations, connections } = planShareOf(plan, 3);
  assert.deepEqual([concurrency, operations, connections], [6, 667, 34]);
  assert.deepEqual(planShareOf(plan, 1), plan);
});
