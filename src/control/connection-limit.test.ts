import assert from "node:assert/strict";
import { test } from "node:test";
import { connectionLimitOf, readOpenFileLimit } from "./connection-limit.ts";

const eventsOf = (...args: Parameters<typeof connectionLimitOf>): readonly string[] =>
  connectionLimitOf(...args).notices.map(({ event }) => event);

test("auto means what the open-file limit of a worker allows in addition to its listening sockets", () => {
  const { perWorker } = connectionLimitOf("auto", 4, 20_000);
  assert.equal(perWorker(0), 9_936);
  assert.equal(perWorker(1_000), 9_436);
  assert.equal(perWorker(100_000), 1);
  assert.deepEqual(eventsOf("auto", 4, 20_000), []);
});

test("a number is divided among the workers", () => {
  assert.equal(connectionLimitOf(1_000, 4, 20_000).perWorker(1_000), 250);
  assert.deepEqual(eventsOf(1_000, 4, 20_000), []);
  assert.equal(connectionLimitOf(2, 4, 20_000).perWorker(1), 1);
});

test("a number that the open-file limit does not allow is lowered, and a notice says so", () => {
  const { perWorker } = connectionLimitOf(100_000, 2, 1_024);
  assert.equal(perWorker(0), 448);
  assert.equal(perWorker(100), 398);
  assert.deepEqual(eventsOf(100_000, 2, 1_024), ["open-file-limit-low"]);
});

test("notices report a limit that allows few connections or too few files for the control process", () => {
  const { perWorker, notices } = connectionLimitOf("auto", 1, 64);
  assert.equal(perWorker(1), 1);
  assert.match(
    notices[0]?.text ?? "",
    /open-file limit of 64 allows each of the 1 workers 1 connection\./,
  );
  assert.deepEqual(eventsOf("auto", 1, 64), ["open-file-limit-low", "control-open-file-limit-low"]);
  assert.deepEqual(eventsOf("auto", 1, 1_024), ["open-file-limit-low"]);
  assert.deepEqual(eventsOf(10, 64, 400), ["control-open-file-limit-low"]);
});

test("a limit that is too low for any runtime is a named failure", () => {
  assert.throws(() => connectionLimitOf("auto", 1, 63), { code: "open-files-too-few" });
  assert.throws(() => connectionLimitOf("auto", 16, 64), { code: "open-files-too-few" });
});

test("reads the limit of this process", () => {
  assert.ok(readOpenFileLimit() > 0);
});
