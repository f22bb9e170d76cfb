import assert from "node:assert/strict";
import { closeSync, openSync } from "node:fs";
import { describe, it } from "node:test";
import { endProcessAtTestEnd, runToExit, startProcess } from "./child-process.ts";
import { eventually } from "./deadline.ts";
import { cpuTimeMs, descendantsOf, isAlive, memoryOf, openFileCount } from "./process-facts.ts";

describe("the facts of a process", () => {
  it("count its open files", () => {
    const before = openFileCount(process.pid);
    const file = openSync("/dev/null", "r");
    assert.equal(openFileCount(process.pid), before + 1);
    closeSync(file);
    assert.equal(openFileCount(process.pid), before);
  });

  it("tell its memory and CPU time", () => {
    const { rssBytes, pssBytes } = memoryOf(process.pid);
    assert.ok(rssBytes >= pssBytes && pssBytes > 1024 * 1024);
    assert.ok(cpuTimeMs(process.pid) > 0);
  });

  it("find its descendants, and tell when they have gone", async () => {
    const shell = await startProcess("sh", ["-c", "sleep 60 & wait"]);
    endProcessAtTestEnd(shell);
    const sleep = await eventually(() => descendantsOf(shell.pid)[0]);
    assert.ok(descendantsOf(process.pid).some((identity) => identity.pid === sleep.pid));
    assert.ok(isAlive(sleep));
    assert.ok(!isAlive({ ...sleep, startTicks: "1" }));
    process.kill(sleep.pid, "SIGKILL");
    await eventually(() => !isAlive(sleep));
  });
});

describe("a command that is run to its end", () => {
  it("gives its output and code, from its input", async () => {
    const result = await runToExit("sh", ["-c", "cat; echo to stderr >&2; exit 3"], {
      input: "in",
    });
    assert.deepEqual(result, { code: 3, signal: null, stdout: "in", stderr: "to stderr\n" });
  });

  it("is killed at its deadline, and the error shows what it printed", async () => {
    const late = runToExit("sh", ["-c", "echo started; exec sleep 60"], { deadlineMs: 200 });
    await assert.rejects(late, /started\n+: not within 200 ms/);
  });

  it("fails by name when it is not there", async () => {
    await assert.rejects(runToExit("no-such-program", []), { code: "ENOENT" });
  });
});
