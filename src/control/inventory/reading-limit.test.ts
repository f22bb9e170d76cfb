import assert from "node:assert/strict";
import { test } from "node:test";
import { ReadingLimit } from "./reading-limit.ts";

test("the files of sixteen requests are read at a time, and the next one is refused until one has ended", async () => {
  const limit = new ReadingLimit();
  const gate = Promise.withResolvers<string>();
  const reads = Array.from({ length: 16 }, () => limit.readAll(["shop"], () => gate.promise));
  let isStarted = false;
  const start = (): Promise<string> => {
    isStarted = true;
    return Promise.resolve("read");
  };
  await assert.rejects(limit.readAll(["one too many"], start), { code: "too-many-changes" });
  assert.equal(isStarted, false);
  gate.resolve("read");
  assert.deepEqual((await Promise.all(reads)).flat().length, 16);
  assert.deepEqual(await limit.readAll(["shop"], start), ["read"]);
});

test("four certificates of a request are read at a time, in order, and none after one was refused", async () => {
  const limit = new ReadingLimit();
  let running = 0;
  let most = 0;
  const names = Array.from({ length: 20 }, (_, at) => at);
  const read = async (name: number): Promise<number> => {
    running += 1;
    most = Math.max(most, running);
    await Promise.resolve();
    running -= 1;
    return name;
  };
  assert.deepEqual(await limit.readAll(names, read), names);
  assert.equal(most, 4);
  let started = 0;
  const refuse = async (name: number): Promise<number> => {
    started += 1;
    await Promise.resolve();
    if (name === 5) throw new Error("refused");
    return name;
  };
  await assert.rejects(limit.readAll(names, refuse), /refused/);
  assert.ok(started <= 9, `${started} were started`);
  assert.deepEqual(await limit.readAll(names, read), names);
});
