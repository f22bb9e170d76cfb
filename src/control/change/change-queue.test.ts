import assert from "node:assert/strict";
import { test } from "node:test";
import { ChangeQueue } from "./change-queue.ts";

test("changes run one at a time and in order, even if an earlier one fails", async () => {
  const queue = new ChangeQueue();
  const events: string[] = [];
  const gate = Promise.withResolvers<void>();
  const first = queue.run(async () => {
    events.push("first begins");
    await gate.promise;
    events.push("first ends");
    throw new Error("no");
  });
  const second = queue.run(() => {
    events.push("second");
    return Promise.resolve(2);
  });
  await Promise.resolve();
  gate.resolve();
  await assert.rejects(first, /no/);
  assert.equal(await second, 2);
  assert.deepEqual(events, ["first begins", "first ends", "second"]);
});

test("the length of the queue is limited", async () => {
  const queue = new ChangeQueue();
  const gate = Promise.withResolvers<void>();
  const accepted = Array.from({ length: 16 }, () => queue.run(() => gate.promise));
  await assert.rejects(
    queue.run(() => gate.promise),
    { code: "too-many-changes" },
  );
  gate.resolve();
  await Promise.all(accepted);
  await queue.run(() => Promise.resolve());
});

test("a closed queue finishes the running change and refuses the others", async () => {
  const queue = new ChangeQueue();
  const gate = Promise.withResolvers<void>();
  let isDone = false;
  const running = queue.run(async () => {
    await gate.promise;
    isDone = true;
  });
  await Promise.resolve();
  const waiting = queue.run(() => Promise.resolve());
  queue.close();
  await assert.rejects(
    queue.run(() => Promise.resolve()),
    { code: "draining" },
  );
  gate.resolve();
  await assert.rejects(waiting, { code: "draining" });
  await queue.untilIdle();
  assert.ok(isDone);
  await running;
});
