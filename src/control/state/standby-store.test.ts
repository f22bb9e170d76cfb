import assert from "node:assert/strict";
import { test } from "node:test";
import { setImmediate as nextTurn } from "node:timers/promises";
import { DirectorError } from "#model/failure.ts";
import { STANDBY_LINE } from "./document-lines.ts";
import { MemoryStore } from "./memory-store.ts";
import { StandbyStore, type StandbyRecord, type StandbyRecords } from "./standby-store.ts";

const record: StandbyRecord = {
  servers: ["web-1"],
  sinceMs: 5,
  reason: "web-1 is down.",
  turnsMs: [1, 2],
  isFlapping: true,
};
const records = (...names: readonly string[]): StandbyRecords =>
  new Map(names.map((name) => [name, record]));

function open(memory = new MemoryStore()) {
  const told: string[] = [];
  const trouble = {
    onTrouble: (detail: string) => void told.push(`trouble ${detail}`),
    onSound: () => void told.push("sound"),
  };
  return { memory, told, store: new StandbyStore(memory, "0.0.0", trouble) };
}

test("what was saved last is read by the next director, and only that is kept", async () => {
  const { memory, store } = open();
  assert.deepEqual(await store.read(), new Map());
  store.save(records("shop"));
  store.save(records("shop", "blog", "news"));
  store.save(records("shop", "blog"));
  await store.close();
  assert.deepEqual(await open(memory).store.read(), records("shop", "blog"));
  assert.equal((await memory.heads(STANDBY_LINE, 1_000, 10)).length, 1);
});

test("nothing is written while nothing changes", async () => {
  const { memory, store } = open();
  store.save(new Map());
  await store.close();
  assert.equal(await memory.head(STANDBY_LINE), undefined);
});

test("a failed write is told, and repeated until it works", async ({ mock }) => {
  mock.timers.enable({ apis: ["setTimeout"] });
  const untilTold = async (count: number): Promise<void> => {
    for (let turn = 0; turn < 1_000 && told.length < count; turn += 1) await nextTurn();
  };
  const { memory, told, store } = open();
  const advance = mock.method(memory, "advance", () =>
    Promise.reject(new DirectorError("state-unwritable", "The disk is full.")),
  );
  store.save(records("shop"));
  await untilTold(1);
  advance.mock.restore();
  mock.timers.tick(5_000);
  await untilTold(2);
  assert.deepEqual(told, ["trouble The disk is full.", "sound"]);
  assert.deepEqual(await open(memory).store.read(), records("shop"));
});

test("a store that cannot be read counts as empty, and so does a record that is not valid", async ({
  mock,
}) => {
  const { memory, told, store } = open();
  store.save(records("shop"));
  await store.close();
  const broken = open(memory);
  mock.method(memory, "head", () => Promise.reject(new DirectorError("state-unwritable", "No.")));
  assert.deepEqual(await broken.store.read(), new Map());
  assert.deepEqual([...told, ...broken.told], ["sound", "trouble No."]);
});
