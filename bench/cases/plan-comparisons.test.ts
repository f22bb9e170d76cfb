import assert from "node:assert/strict";
import { test } from "node:test";
import { categories, type BenchCase, type Category } from "./cases.ts";
import { planComparisons } from "./plan-comparisons.ts";

const casesOf = (wanted: readonly Category[], isQuick = false): BenchCase[] =>
  planComparisons({ categories: wanted, only: undefined, runs: undefined, isQuick }).flatMap(
    ({ cases }) => cases,
  );

test("every case has a unique name", () => {
  const names = casesOf(categories).map(({ name }) => name);
  assert.equal(new Set(names).size, names.length);
});

test("a quick run leaves out ten thousand listeners", () => {
  const mostListeners = (isQuick: boolean) =>
    Math.max(...casesOf(["growth"], isQuick).map(({ setup }) => setup.ecdsaListeners));
  assert.equal(mostListeners(false), 10_000);
  assert.equal(mostListeners(true), 1_000);
});

test("the number of runs is the wanted one, or depends on the category", () => {
  const runsOf = (wanted: readonly Category[], runs?: number) =>
    planComparisons({ categories: wanted, only: undefined, runs, isQuick: false }).map(
      (one) => one.runs,
    );
  assert.deepEqual(runsOf(["requests", "latency"], 2), [2, 2]);
  assert.deepEqual(runsOf(["requests", "memory"]), [5, 3, 3]);
});

test("only the named cases are measured, and a name that is no case is refused", () => {
  const planOf = (only: readonly string[]) =>
    planComparisons({ categories, only, runs: undefined, isQuick: false });
  assert.deepEqual(
    planOf(["http-16k", "http-latency-p99"]).flatMap(({ cases }) => cases.map(({ name }) => name)),
    ["http-16k", "http-latency-p99"],
  );
  assert.throws(() => planOf(["http-1"]), /no case 'http-1'/);
});

test("the warm-up uses every listener, also in a quick run", () => {
  for (const { setup, warmUpOperations } of casesOf(["growth"], true)) {
    assert.ok(warmUpOperations >= setup.ecdsaListeners);
  }
});
