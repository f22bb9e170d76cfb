import assert from "node:assert/strict";
import { describe, it, type TestContext } from "node:test";
import { parseDocument } from "#model/document/parse-document.ts";
import type { Document } from "#model/document/document.ts";
import type { DirectorEvent } from "../director-event.ts";
import { EventBus } from "../event-bus.ts";
import { CutSchedule } from "./cut-schedule.ts";

function documentOf(admin: string): Document {
  const { document } = parseDocument({ servers: { "web-1": { address: "192.0.2.1", admin } } });
  return document ?? assert.fail();
}

const [up, drain] = [documentOf("up"), documentOf("drain")];
const drained = { kind: "drained", server: "web-1" } as const;

/** A schedule whose timers are those of the test, and what it has published. */
function makeSchedule(context: TestContext) {
  context.mock.timers.enable({ apis: ["setTimeout"] });
  const events: DirectorEvent[] = [];
  const bus = new EventBus((error) => assert.fail(String(error)));
  bus.subscribe((event) => events.push(event));
  const schedule = new CutSchedule(bus);
  context.after(() => schedule.close());
  return { schedule, events };
}

describe("the schedule of cuts", () => {
  it("has the time that is left of each, until its deadline has passed for a while", (context) => {
    const { schedule } = makeSchedule(context);
    schedule.follow(up, drain, { ...drained, afterMs: 30_000 }, []);
    const [cut, ...others] = schedule.planned();
    assert.partialDeepStrictEqual(cut, { number: 1, server: "web-1", except: [] });
    assert.ok(cut !== undefined && cut.inMs > 20_000 && cut.inMs <= 30_000);
    assert.equal(others.length, 0);
    const [status] = schedule.statuses();
    assert.equal(status?.server, "web-1");
    assert.ok(Math.abs(Date.parse(status.at) - Date.now() - 30_000) < 5_000);
    schedule.follow(drain, drain, { ...drained, afterMs: 0 }, []);
    // A worker that was late with the change still gets it.
    assert.partialDeepStrictEqual(schedule.planned(), [{ number: 2, inMs: 0 }]);
    assert.deepEqual(schedule.statuses(), []);
  });

  it("tells of a cut when it is planned, and at its deadline how many connections it has cut", (context) => {
    const { schedule, events } = makeSchedule(context);
    schedule.follow(up, drain, { ...drained, afterMs: 2_000 }, []);
    schedule.counted(1, 3);
    schedule.counted(1, 1);
    schedule.counted(4711, 1);
    context.mock.timers.tick(3_000);
    assert.deepEqual(events, [
      { name: "cut-planned", server: "web-1", inMs: 2_000 },
      { name: "cut-done", server: "web-1", cut: 4 },
    ]);
  });

  it("tells of a cut that is taken back, but not of one that gets another deadline", (context) => {
    const { schedule, events } = makeSchedule(context);
    schedule.follow(up, drain, { ...drained, afterMs: 2_000 }, []);
    schedule.follow(drain, drain, { ...drained, afterMs: 9_000 }, []);
    schedule.follow(drain, up, undefined, []);
    assert.deepEqual(schedule.planned(), []);
    context.mock.timers.tick(20_000);
    assert.deepEqual(
      events.map(({ name }) => name),
      ["cut-planned", "cut-planned", "cut-taken-back"],
    );
  });

  it("is bounded", (context) => {
    const { schedule } = makeSchedule(context);
    const termOf = (number: number) =>
      ({ kind: "moved", profile: `p${number}`, afterMs: 60_000 }) as const;
    for (let number = 0; number < 1_000; number += 1) {
      schedule.refuseIfFull(termOf(number));
      schedule.follow(up, up, termOf(number), []);
    }
    assert.throws(() => schedule.refuseIfFull(termOf(1_000)), { code: "too-many-requests" });
    schedule.refuseIfFull(undefined);
  });
});
