import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { test } from "node:test";
import { cpuUseBetween, readCpuTime } from "./cpu-time.ts";

const spinMs = 200;
const spin = `const end = Date.now() + ${spinMs}; while (Date.now() < end);`;

test("a process tree's CPU time counts its children, and tells them from the root", async () => {
  const script = `
    const { spawn } = require("node:child_process");
    const child = spawn(process.execPath, ["-e", "process.stdin.once('data', () => { ${spin} console.log('done') })"],
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
  assert.ok(use.descendantsNs > 0.25 * spinMs * 1e6, `${use.descendantsNs} ns in the child`);
  assert.ok(use.allNs >= use.descendantsNs);
});

test("a process that came or went voids the difference", () => {
  const before = new Map([[1, 10]]);
  assert.throws(() => cpuUseBetween(before, new Map()), /processes changed/);
  assert.throws(() => cpuUseBetween(before, new Map([...before, [2, 5]])), /processes changed/);
});
