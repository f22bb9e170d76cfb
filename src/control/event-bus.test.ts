import assert from "node:assert/strict";
import { test } from "node:test";
import type { DirectorEvent } from "./director-event.ts";
import { EventBus } from "./event-bus.ts";

const restart: DirectorEvent = { name: "restart-needed" };
const replaced: DirectorEvent = { name: "workers-replaced" };
const failOn = (error: unknown): void => assert.fail(String(error));

test("each subscriber gets every event, in the order of subscription and of publication", () => {
  const heard: string[] = [];
  const bus = new EventBus(failOn);
  bus.publish(replaced);
  bus.subscribe(({ name }) => heard.push(`first ${name}`));
  bus.subscribe(({ name }) => heard.push(`second ${name}`));
  bus.publish(restart);
  bus.publish(replaced);
  assert.deepEqual(heard, [
    "first restart-needed",
    "second restart-needed",
    "first workers-replaced",
    "second workers-replaced",
  ]);
});

test("a subscriber that throws is reported, and does not affect the publisher or other subscribers", () => {
  const heard: string[] = [];
  const bus = new EventBus((error) => heard.push(`fault ${String(error)}`));
  bus.subscribe(() => {
    throw new Error("broken");
  });
  bus.subscribe(({ name }) => heard.push(name));
  bus.publish(restart);
  bus.publish(replaced);
  assert.deepEqual(heard, [
    "restart-needed",
    "fault Error: broken",
    "workers-replaced",
    "fault Error: broken",
  ]);
});

test("a subscriber gets no event after it has unsubscribed, even during an event", () => {
  const heard: string[] = [];
  const bus = new EventBus(failOn);
  const unsubscribe = bus.subscribe(({ name }) => {
    heard.push(name);
    unsubscribe();
  });
  bus.subscribe(({ name }) => heard.push(`other ${name}`));
  bus.publish(restart);
  bus.publish(replaced);
  assert.deepEqual(heard, ["restart-needed", "other restart-needed", "other workers-replaced"]);
});

test("a subscriber must not publish an event, but the fault handler may", () => {
  const heard: string[] = [];
  const bus: EventBus = new EventBus((error) => {
    heard.push(String(error));
    bus.publish(replaced);
  });
  bus.subscribe(({ name }) => {
    heard.push(name);
    if (name === "restart-needed") bus.publish(restart);
  });
  bus.publish(restart);
  assert.deepEqual(heard, [
    "restart-needed",
    "Error: A subscriber published the event restart-needed.",
    "workers-replaced",
  ]);
});
