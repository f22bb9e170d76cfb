import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { endProcessAtTestEnd, startProcess } from "#harness/child-process.ts";
import { makeTempFolder } from "#harness/temp-folder.ts";
import { WorkerRecord } from "./worker-record.ts";

test("workers that outlive their director are known to the next one, until they end", async () => {
  const folder = await makeTempFolder();
  const worker = await startProcess("sleep", ["60"]);
  endProcessAtTestEnd(worker);
  new WorkerRecord(folder).write([worker.pid]);
  const next = new WorkerRecord(folder);
  assert.deepEqual(next.orphans(), [worker.pid]);
  next.write([process.pid]);
  assert.deepEqual(new WorkerRecord(folder).orphans(), [worker.pid, process.pid]);
  assert.equal(next.endOrphans("SIGTERM"), 1);
  assert.equal((await worker.exited).signal, "SIGTERM");
  assert.deepEqual(next.orphans(), []);
});

test("another process with the same pid is no orphan", async () => {
  const folder = await makeTempFolder();
  writeFileSync(
    join(folder, "workers.json"),
    JSON.stringify([{ pid: process.pid, startTicks: "1" }]),
  );
  assert.deepEqual(new WorkerRecord(folder).orphans(), []);
});

test("a record that cannot be read is none", async () => {
  const folder = await makeTempFolder();
  writeFileSync(join(folder, "workers.json"), "{");
  assert.deepEqual(new WorkerRecord(folder).orphans(), []);
});
