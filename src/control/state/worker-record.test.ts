import assert from "node:assert/strict";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { endProcessAtTestEnd, startProcess } from "#harness/child-process.ts";
import { eventually } from "#harness/deadline.ts";
import { closeAtTestEnd } from "#harness/lifetime.ts";
import { makeTempFolder } from "#harness/temp-folder.ts";
import { WorkerRecord } from "./worker-record.ts";

function recordIn(folder: string): { readonly record: WorkerRecord; readonly told: string[] } {
  const told: string[] = [];
  const record = new WorkerRecord({
    folder,
    onTrouble: (detail) => told.push(detail),
    onSound: () => told.push("sound"),
    retryMs: 20,
  });
  closeAtTestEnd(() => record.close());
  return { record, told };
}

const pidsLeftIn = (folder: string): readonly number[] =>
  recordIn(folder).record.left.map(({ pid }) => pid);

test("workers that outlive their director are written down for the next ones, until they end", async () => {
  const folder = await makeTempFolder();
  const worker = await startProcess("sleep", ["60"]);
  endProcessAtTestEnd(worker);
  recordIn(folder).record.write([worker.pid]);
  const next = recordIn(folder).record;
  assert.deepEqual(pidsLeftIn(folder), [worker.pid]);
  next.write([process.pid]);
  assert.deepEqual(pidsLeftIn(folder), [worker.pid, process.pid]);
  worker.child.kill();
  await worker.exited;
  next.write([process.pid]);
  assert.deepEqual(pidsLeftIn(folder), [process.pid]);
});

test("a record that cannot be read is treated as missing", async () => {
  const folder = await makeTempFolder();
  writeFileSync(join(folder, "workers.json"), "{");
  assert.deepEqual(pidsLeftIn(folder), []);
});

test("a record that cannot be written is told of, and tried again until it can", async () => {
  const parent = await makeTempFolder();
  const folder = join(parent, "gone");
  const { record, told } = recordIn(folder);
  record.write([process.pid]);
  assert.match(told[0] ?? "", /workers\.json: .*ENOENT/);
  mkdirSync(folder);
  await eventually(() => told.at(-1) === "sound");
  assert.deepEqual(pidsLeftIn(folder), [process.pid]);
});
