import assert from "node:assert/strict";
import { test } from "node:test";
import { TrafficBounds } from "./traffic-bounds.ts";

test("a worker under a flood of clients is within its bounds for ever", () => {
  const traffic = new TrafficBounds();
  for (let second = 0; second < 100; second += 1) {
    for (let flush = 0; flush < 5; flush += 1) {
      assert.ok(traffic.add("messages", 40));
      assert.ok(traffic.add("bytes", 2_000_000));
      assert.ok(traffic.add("records", 2_200));
    }
    traffic.leak(1);
  }
});

test("a flood is noticed at once, without waiting for time to pass", () => {
  const traffic = new TrafficBounds();
  let messages = 0;
  while (traffic.add("messages", 1)) messages += 1;
  assert.equal(messages, 5_000);
});

test("slow overuse is noticed, too", () => {
  const traffic = new TrafficBounds();
  let seconds = 0;
  while (traffic.add("messages", 1_500)) {
    traffic.leak(1);
    seconds += 1;
  }
  assert.ok(seconds < 10, `${seconds}`);
});
