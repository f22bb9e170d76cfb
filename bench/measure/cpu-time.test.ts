import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { test } from "node:test";
import { cpuUseBetween, readCpuTime } from "./cpu-time.ts";

const spinMs = 200;
const timeout = 60_000;
/** By CPU time, which a machine that is busy gives out slowly. */
const spin = `
  const start = process.cpuUsage();
  for (let used = 0; used < ${spinMs} * 1000;) {
    const { user, system } = process.cpuUsage(start);
    used = user + system;
  }
`;

test(
  "a process tree's CPU time counts its children, and tells them from the root",
  { timeout },
  async () => {
    const child = `process.stdin.once("data", () => { ${spin} console.log("done"); });`;
    const script = `
    const { spawn } = require("node:child_process");
    const child = spawn(process.execPath, ["-e", ${JSON.stringify(child)}],
      { stdio: ["pipe", "inherit", "inherit"] });
    process.stdin.once("data", (go) => child.stdin.write(go));
    child.once("spawn", () => console.log("ready"));
  `;
    const root = spawn(process.execPath, ["-e", script], { stdio: ["pipe", "pipe", "inherit"] });
    await once(root.stdout, "data");
    const before = readCpuTime(root.pid ?? 0);
    root.stdin.write("go");
    await once(root.stdout, "data");
    const use = cpuUseBetween(before, readCpuTime(root.pid ?? 0));
    root.kill();
    assert.ok(use.descendantsNs > 0.8 * spinMs * 1e6, `${use.descendantsNs} ns in the child`);
    assert.ok(use.allNs >= use.descendantsNs);
  },
);

test("what threads used that have ended counts", { timeout }, async () => {
  const script = `
    const { Worker } = require("node:worker_threads");
    process.stdin.once("data", () => {
      new Worker(${JSON.stringify(spin)}, { eval: true }).once("exit", () => console.log("done"));
    });
    console.log("ready");
  `;
  const root = spawn(process.execPath, ["-e", script], { stdio: ["pipe", "pipe", "inherit"] });
  await once(root.stdout, "data");
  const before = readCpuTime(root.pid ?? 0);
  root.stdin.write("go");
  await once(root.stdout, "data");
  const { allNs } = cpuUseBetween(before, readCpuTime(root.pid ?? 0));
  root.kill();
  assert.ok(allNs > 0.8 * spinMs * 1e6, `${allNs} ns`);
});

const timeOf = (threads: Record<string, number>, processMs: number) => ({
  threads: new Map(Object.entries(threads)),
  processNs: processMs * 1e6,
});

test("time is by thread to the nanosecond, and by the process's ticks when a thread has ended", () => {
  const before = new Map([[1, timeOf({ "1": 500, "2": 9_000 }, 70)]]);
  const useUntil = (threads: Record<string, number>, processMs: number) =>
    cpuUseBetween(before, new Map([[1, timeOf(threads, processMs)]])).allNs;
  assert.equal(useUntil({ "1": 700, "2": 9_001, "3": 20 }, 80), 221);
  assert.equal(useUntil({ "1": 700 }, 170), 100 * 1e6);
  assert.equal(useUntil({ "1": 700, "2": 9_001 }, 170), 100 * 1e6);
});

test("a process that came or went voids the difference", () => {
  const before = new Map([[1, timeOf({}, 10)]]);
  assert.throws(() => cpuUseBetween(before, new Map()), /processes changed/);
  assert.throws(
    () => cpuUseBetween(before, new Map([...before, [2, timeOf({}, 0)]])),
    /processes changed/,
  );
});
