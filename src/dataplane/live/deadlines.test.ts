import assert from "node:assert/strict";
import { test } from "node:test";
import { VirtualClock } from "#harness/virtual-clock.ts";
import { Deadlines, type Deadlined } from "./deadlines.ts";

class Watched implements Deadlined {
  deadlinePlace = -1;
  calls = 0;
  deadlineAtMs: number;
  readonly #onCall: () => void;

  constructor(deadlineAtMs: number, onCall: () => void = () => {}) {
    this.deadlineAtMs = deadlineAtMs;
    this.#onCall = onCall;
  }

  onDeadline(): void {
    this.calls += 1;
    this.#onCall();
  }
}

test("each member is called from its deadline on, until the deadline moves or it is removed", async () => {
  const clock = new VirtualClock();
  const deadlines = new Deadlines(clock);
  const moved = new Watched(150);
  const removed = new Watched(250);
  const never = new Watched(Number.POSITIVE_INFINITY);
  for (const watched of [moved, removed, never]) deadlines.add(watched);
  await clock.advance(100);
  assert.deepEqual([moved.calls, removed.calls], [0, 0]);
  await clock.advance(200);
  assert.deepEqual([moved.calls, removed.calls], [2, 1]);
  moved.deadlineAtMs = Number.POSITIVE_INFINITY;
  deadlines.remove(removed);
  await clock.advance(1_000);
  assert.deepEqual([moved.calls, removed.calls, never.calls], [2, 1, 0]);
});

test("members that are added or removed while others are called", async () => {
  const clock = new VirtualClock();
  const deadlines = new Deadlines(clock);
  const late = new Watched(0);
  const all: Watched[] = Array.from({ length: 9 }, (_, index) => {
    return new Watched(0, () => {
      deadlines.remove(all[index] ?? late);
      // Also one that was called already, and one that was not.
      deadlines.remove(all[(index + 3) % 9] ?? late);
      deadlines.add(late);
    });
  });
  for (const watched of all) deadlines.add(watched);
  await clock.advance(100);
  assert.ok(all.every(({ calls }) => calls <= 1));
  assert.ok(all.every(({ deadlinePlace }) => deadlinePlace === -1));
  assert.equal(late.calls, 0);
  await clock.advance(100);
  assert.equal(late.calls, 1);
});

test("to add twice, or to remove what is not there, changes nothing", async () => {
  const clock = new VirtualClock();
  const deadlines = new Deadlines(clock);
  const [one, other] = [new Watched(0), new Watched(0)];
  deadlines.add(one);
  deadlines.add(one);
  deadlines.remove(other);
  await clock.advance(100);
  deadlines.remove(one);
  deadlines.remove(one);
  await clock.advance(100);
  assert.deepEqual([one.calls, other.calls], [1, 0]);
});
