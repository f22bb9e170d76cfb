import assert from "node:assert/strict";
import { test } from "node:test";
import { eventually } from "#harness/deadline.ts";
import { makeFakePool } from "#harness/fake-pool.ts";
import type { PlannedCut } from "#protocol/messages.ts";

test("a worker gets the planned cuts after each commit, also while it drains, and when it has caught up", async () => {
  let number = 0;
  const cuts = (): readonly PlannedCut[] =>
    number === 0 ? [] : [{ number, inMs: 1_000, server: "web-1", except: [] }];
  const fake = await makeFakePool({ size: 1, cuts });
  await fake.pool.start();
  await fake.rollOut(1);
  assert.ok(!fake.journal().some((line) => line.startsWith("cuts")));
  number = 7;
  await fake.rollOut(2);
  fake.order("draining.hang");
  const [worker] = fake.pool.participants();
  assert.ok(worker !== undefined);
  await fake.pool.replace(worker);
  number = 8;
  await fake.rollOut(3);
  number = 0;
  fake.pool.tellCuts();
  fake.pool.tellCuts();
  const isTold = (): boolean => fake.journal().filter((line) => line === "cuts ").length === 2;
  await eventually(isTold);
  const told = fake.journal().filter((line) => /^(cuts|commit)/.test(line));
  assert.deepEqual(told.slice(0, 5), ["commit 1", "commit 2", "cuts 7", "commit 2", "cuts 7"]);
  assert.deepEqual(told.slice(5).toSorted(), [
    ...["commit 3", "commit 3", "cuts ", "cuts ", "cuts 8", "cuts 8"],
  ]);
});
