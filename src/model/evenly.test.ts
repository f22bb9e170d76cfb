import assert from "node:assert/strict";
import { test } from "node:test";
import { evenlyOf } from "./evenly.ts";

test("as many as are wanted are taken, spread over all", () => {
  const items = Array.from({ length: 10 }, (_, at) => at);
  assert.deepEqual(evenlyOf(items, 4), [0, 2, 5, 7]);
  assert.equal(evenlyOf(items, 10), items);
  assert.deepEqual(evenlyOf(items, 0), []);
});
