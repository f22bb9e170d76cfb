import assert from "node:assert/strict";
import { test } from "node:test";
import { parseOptions } from "../parse-options.ts";
import type { GrowthCase, PlannedGroup } from "./bench-case.ts";
import { planGroups } from "./plan-groups.ts";

function planOf(...argv: string[]) {
  const options = parseOptions(argv);
  assert.equal(options.task, "measure");
  return planGroups(options);
}

function pointsOf(groups: readonly PlannedGroup[]): GrowthCase[] {
  return groups.flatMap((group) =>
    group.method === "growth"
      ? group.points
      : group.cases.map((benchCase) => ({ shape: group.shape, benchCase })),
  );
}

test("every case has a name of its own, which compare goes by", () => {
  const names = pointsOf(planOf()).map(({ benchCase }) => benchCase.name);
  assert.equal(new Set(names).size, names.length);
});

test("ten thousand listeners are not part of a quick run", () => {
  const most = (...argv: string[]) =>
    Math.max(...pointsOf(planOf("growth", ...argv)).map(({ shape }) => shape.keyTypes.length));
  assert.equal(most(), 10_000);
  assert.equal(most("--quick"), 1_000);
});

test("runs are what was asked for, or what the family needs", () => {
  assert.deepEqual(
    planOf("memory", "--runs", "2").map(({ runs }) => runs),
    [2],
  );
  assert.deepEqual(
    planOf("requests", "memory").map(({ runs }) => runs),
    [5, 3],
  );
});

test("the warm-up uses every listener, also in a quick run", () => {
  for (const { shape, benchCase } of pointsOf(planOf("growth", "--quick"))) {
    assert.ok(benchCase.warmUpOperations >= shape.keyTypes.length);
  }
});
