import assert from "node:assert/strict";
import { test } from "node:test";
import { killTreeAtTestEnd, startProcess } from "#harness/child-process.ts";
import { eventually } from "#harness/deadline.ts";
import { cpuUseBetween, readCpuTime } from "./cpu-time.ts";

const usedMs = 200;

test("the CPU time of a process tree includes descendants and tells them from the root", async () => {
  // A busy machine gives out CPU time slowly, so the child goes by its own CPU time.
  const child = `process.stdin.once("data", () => {
    while (process.cpuUsage().user < ${usedMs} * 1000 + started.user);
    console.log("done");
  }); const started = process.cpuUsage(); console.log("ready");`;
  const shell = await startProcess("sh", ["-c", '"$0" "$@"; exit', process.execPath, "-e", child]);
  killTreeAtTestEnd(shell);
  await eventually(() => shell.output().includes("ready"));
  const before = readCpuTime(shell.pid);
  shell.child.stdin?.write("go\n");
  await eventually(() => shell.output().includes("done"), 30_000);
  const { allNs, descendantsNs } = cpuUseBetween(before, readCpuTime(shell.pid));
  assert.ok(descendantsNs > 0.8 * usedMs * 1e6, `${descendantsNs} ns in the child`);
  assert.ok(allNs >= descendantsNs);
});

const timeOf = (threads: Record<string, number>, processMs: number) => ({
  threads: new Map(Object.entries(threads)),
  processNs: processMs * 1e6,
});

test("CPU time is that of the threads, or that of the process if a thread has ended", () => {
  const before = new Map([[1, timeOf({ "1": 500, "2": 9_000 }, 70)]]);
  const usedUntil = (threads: Record<string, number>, processMs: number) =>
    cpuUseBetween(before, new Map([[1, timeOf(threads, processMs)]])).allNs;
  assert.equal(usedUntil({ "1": 700, "2": 9_001, "3": 20 }, 80), 221);
  assert.equal(usedUntil({ "1": 700 }, 170), 100 * 1e6);
  assert.equal(usedUntil({ "1": 700, "2": 9_001 }, 170), 100 * 1e6);
});

test("the CPU time is unknown if a process started or ended", () => {
  const before = new Map([[1, timeOf({}, 10)]]);
  const after = new Map([...before, [2, timeOf({}, 0)]]);
  assert.throws(() => cpuUseBetween(before, new Map()), /processes of the proxy changed/);
  assert.throws(() => cpuUseBetween(before, after), /processes of the proxy changed/);
});
