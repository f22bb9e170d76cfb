import assert from "node:assert/strict";
import { test } from "node:test";
import { pino } from "pino";
import { EventBus } from "./event-bus.ts";
import { InternalErrors } from "./internal-errors.ts";
import { Notices } from "./notice.ts";

test("a subscriber that throws at every event is reported, although the report causes an event", () => {
  const lines: string[] = [];
  const log = pino({ base: null }, { write: (line: string) => lines.push(line) });
  let count = 0;
  const bus: EventBus = new EventBus((error) => errors.report(error));
  const notices = new Notices(bus);
  const errors = new InternalErrors(log, notices, () => (count += 1));
  bus.subscribe(() => {
    throw new Error("broken");
  });
  bus.publish({ name: "restart-needed" });
  // The event itself, and the notice of the first error.
  assert.equal(count, 2);
  bus.publish({ name: "restart-needed" });
  assert.equal(count, 3);
  assert.match(notices.texts().join(), /Internal errors since the start: 3\./);
  assert.equal(lines.filter((line) => line.includes("internal-error")).length, 3);
});
