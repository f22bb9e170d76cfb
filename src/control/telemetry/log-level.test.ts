import assert from "node:assert/strict";
import { test } from "node:test";
import { buildLog } from "./log.ts";
import { LogLevel } from "./log-level.ts";

function makeLevel(level: string) {
  const lines: string[] = [];
  const destination = { write: (line: string) => void lines.push(line) };
  const { logger: log } = buildLog({ level, destination });
  return { log, level: new LogLevel(log), lines };
}

test("a level holds for its time, and then the level of the start returns", (t) => {
  t.mock.timers.enable({ apis: ["setTimeout", "Date"], now: 1_000 });
  const { log, level, lines } = makeLevel("info");
  level.set("debug", 5_000);
  assert.deepEqual([level.level, level.usual, level.untilMs], ["debug", "info", 6_000]);
  log.debug("seen");
  t.mock.timers.tick(4_999);
  assert.equal(level.level, "debug");
  t.mock.timers.tick(1);
  assert.deepEqual([level.level, level.untilMs], ["info", undefined]);
  log.debug("unseen");
  const told = lines.map((line) => (JSON.parse(line) as { readonly msg: string }).msg);
  assert.deepEqual(told, [
    "The log level changes from info to debug.",
    "seen",
    "The log level changes from debug to info.",
  ]);
});

test("a later level replaces an earlier one with its time, and the usual one ends it", (t) => {
  t.mock.timers.enable({ apis: ["setTimeout", "Date"], now: 0 });
  const { level, lines } = makeLevel("error");
  level.set("trace", 1_000);
  level.set("warn", 10_000);
  t.mock.timers.tick(2_000);
  assert.equal(level.level, "warn");
  level.set("error", 10_000);
  assert.equal(level.untilMs, undefined);
  level.set("info", 1_000);
  t.mock.timers.tick(1_000);
  assert.equal(level.level, "error");
  assert.equal(lines.length, 4);
});
