import assert from "node:assert/strict";
import { test } from "node:test";
import { connectionLimitOf, readOpenFileLimit } from "./connection-limit.ts";

test("auto is what the open-file limit of a worker allows beside its listening sockets", () => {
  const { perWorker, notice } = connectionLimitOf("auto", 4, 20_000);
  assert.equal(perWorker(0), 9_936);
  assert.equal(perWorker(1_000), 9_436);
  assert.equal(perWorker(100_000), 1);
  assert.equal(notice, undefined);
});

test("a number is shared out to the workers", () => {
  const { perWorker, notice } = connectionLimitOf(1_000, 4, 20_000);
  assert.equal(perWorker(1_000), 250);
  assert.equal(notice, undefined);
  assert.equal(connectionLimitOf(2, 4, 20_000).perWorker(1), 1);
});

test("a number that the open-file limit does not allow is lowered, and a notice says so", () => {
  const { perWorker, notice } = connectionLimitOf(100_000, 2, 1_024);
  assert.equal(perWorker(0), 448);
  assert.equal(perWorker(100), 398);
  assert.equal(notice?.event, "open-file-limit-low");
});

test("the limit of this process is read", () => {
  assert.ok(readOpenFileLimit() > 0);
});
