import assert from "node:assert/strict";
import { test } from "node:test";
import type { ToWorker } from "#protocol/messages.ts";
import { WorkerQueries } from "./worker-queries.ts";

function makeQueries() {
  const asked: ToWorker[] = [];
  const unexpected: string[] = [];
  const queries = new WorkerQueries({
    send: (message) => asked.push(message),
    onUnexpected: (type) => unexpected.push(type),
  });
  return { queries, asked, unexpected };
}

test("an answer that is late is ignored, and one that nobody asked for is not", async (t) => {
  t.mock.timers.enable({ apis: ["setTimeout"] });
  const { queries, asked, unexpected } = makeQueries();
  const listed = queries.list({ vnic: "front.shop" }, 10);
  assert.deepEqual(asked, [
    { type: "list-connections", number: 1, filter: { vnic: "front.shop" }, limit: 10 },
  ]);
  t.mock.timers.tick(3_000);
  assert.equal(await listed, undefined);
  const cut = queries.cut({ server: "web-1" });
  queries.take({ type: "connections", number: 1, total: 0, connections: [] });
  assert.deepEqual(unexpected, []);
  queries.take({ type: "cut", number: 2, cut: 3 });
  assert.equal((await cut)?.cut, 3);
  queries.take({ type: "cut", number: 2, cut: 3 });
  queries.take({ type: "connections", number: 1, total: 0, connections: [] });
  assert.deepEqual(unexpected, ["cut", "connections"]);
});

test("an answer of another kind than was asked for is unexpected", async () => {
  const { queries, unexpected } = makeQueries();
  const listed = queries.list({}, 10);
  queries.take({ type: "cut", number: 1, cut: 0 });
  assert.deepEqual(unexpected, ["cut"]);
  queries.close();
  assert.equal(await listed, undefined);
});
