import assert from "node:assert/strict";
import { mock, test, type TestContext } from "node:test";
import { setImmediate as nextTurn } from "node:timers/promises";
import { DirectorError } from "#model/failure.ts";
import type { Waiting } from "./inventory.ts";
import { StagedSchedule, type StagedParts } from "./staged-schedule.ts";

const nowMs = Date.parse("2027-01-01T00:00:00Z");

/** A schedule whose time passes only in `pass`. `outcome` is what becomes of a change. */
function scheduleOf(
  t: TestContext,
  waiting: Waiting[],
  outcome: (activated: string) => Promise<unknown> = () => Promise.resolve(),
) {
  mock.timers.enable({ apis: ["setInterval", "Date"], now: nowMs });
  let clockMs = 0;
  t.mock.method(performance, "now", () => clockMs);
  const activated: string[] = [];
  const faults: unknown[] = [];
  const schedule = new StagedSchedule({
    inventory: { waiting: async () => waiting },
    wants: {
      activate: (name, version) => {
        activated.push(`${name} ${version}`);
        return () => Promise.reject(new Error("The queue is not part of this test."));
      },
    },
    change: (() => outcome(activated.at(-1) ?? "")) as unknown as StagedParts["change"],
    onFault: (error) => faults.push(error),
  });
  t.after(() => {
    schedule.close();
    mock.timers.reset();
  });
  schedule.start();
  const pass = async (seconds: number): Promise<void> => {
    for (let at = 0; at < seconds; at += 1) {
      clockMs += 1_000;
      mock.timers.tick(1_000);
      await nextTurn();
    }
  };
  return { schedule, activated, faults, pass };
}

const waitingFor = (seconds: number, name = "shop"): Waiting => ({
  name,
  version: "2",
  notBeforeMs: nowMs + seconds * 1_000,
});

test("a version becomes active within a second of its time, and not before", async (t) => {
  const { activated, pass } = scheduleOf(t, [waitingFor(3)]);
  await pass(2);
  assert.deepEqual(activated, []);
  await pass(1);
  assert.deepEqual(activated, ["shop 2"]);
});

test("a version whose time has come while the director did not run becomes active at once", async (t) => {
  const { activated, pass } = scheduleOf(t, [waitingFor(-3_600)]);
  await pass(1);
  assert.deepEqual(activated, ["shop 2"]);
});

test("a clock that is set back keeps a version waiting, and changes nothing that is active", async (t) => {
  const waiting = [waitingFor(3), waitingFor(10, "later")];
  const { activated, faults, pass } = scheduleOf(t, waiting, (what) => {
    waiting.splice(0, 1);
    return Promise.resolve(what);
  });
  await pass(3);
  assert.deepEqual(activated, ["shop 2"]);
  mock.timers.setTime(nowMs - 3_600_000);
  await pass(20);
  assert.deepEqual([activated, faults], [["shop 2"], []]);
  mock.timers.setTime(nowMs + 11_000);
  await pass(1);
  assert.deepEqual(activated, ["shop 2", "later 2"]);
});

test("a version that is refused is tried again, ever later, and does not hold up another", async (t) => {
  const waiting = [waitingFor(0), waitingFor(0, "other")];
  const { activated, faults, pass } = scheduleOf(t, waiting, (what) => {
    if (what !== "other 2") return Promise.reject(new DirectorError("certificate-refused"));
    waiting.pop();
    return Promise.resolve();
  });
  await pass(1);
  assert.deepEqual(activated, ["shop 2", "other 2"]);
  await pass(9);
  assert.equal(activated.length, 2);
  await pass(1);
  assert.equal(activated.length, 3);
  await pass(19);
  assert.equal(activated.length, 3);
  await pass(1);
  assert.equal(activated.length, 4);
  assert.deepEqual(faults, []);
});

test("a mistake of the program is told, and the version is tried again later", async (t) => {
  const { activated, faults, pass } = scheduleOf(t, [waitingFor(0)], () =>
    Promise.reject(new TypeError("mistake")),
  );
  await pass(10);
  assert.equal(activated.length, 1);
  await pass(1);
  assert.equal(activated.length, 2);
  assert.deepEqual(faults.map(String), ["TypeError: mistake", "TypeError: mistake"]);
});

test("nothing becomes active after it was closed, and one change is made at a time", async (t) => {
  const running = Promise.withResolvers<void>();
  const { schedule, activated, pass } = scheduleOf(
    t,
    [waitingFor(0), waitingFor(0, "other")],
    () => running.promise,
  );
  await pass(5);
  assert.deepEqual(activated, ["shop 2"]);
  schedule.close();
  running.resolve();
  await pass(2);
  assert.deepEqual(activated, ["shop 2"]);
});
