import assert from "node:assert/strict";
import { test } from "node:test";
import { backOffMsOf, prepareDeadlineOf, WORKER_DEADLINES } from "./deadlines.ts";

test("the pause doubles from 0.2 s to 10 s while workers die young", () => {
  const pauses: number[] = [];
  let pauseMs = 0;
  for (let death = 0; death < 8; death += 1) {
    pauseMs = backOffMsOf(pauseMs, 50);
    pauses.push(pauseMs);
  }
  assert.deepEqual(pauses, [200, 400, 800, 1_600, 3_200, 6_400, 10_000, 10_000]);
});

test("a worker that has lived for 30 s is replaced at once again", () => {
  assert.equal(backOffMsOf(10_000, 30_000), 200);
});

test("the first prepare of a worker with many listeners has more time than that of a change of one", () => {
  const deadlineOf = (count: number): number =>
    prepareDeadlineOf(
      { listeners: Array.from({ length: count }) as never, certificates: [] },
      WORKER_DEADLINES,
    );
  assert.deepEqual([0, 1, 2_000, 10_000].map(deadlineOf), [5_000, 5_010, 25_000, 105_000]);
});
