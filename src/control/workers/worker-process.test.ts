import assert from "node:assert/strict";
import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { eventually } from "#harness/deadline.ts";
import { closeAtTestEnd } from "#harness/lifetime.ts";
import { isAlive, openFileCount } from "#harness/process-facts.ts";
import { makeUnitCgroup, removeUnitCgroupAtTestEnd } from "#harness/unit-cgroup.ts";
import { startWorkerProcess, type WorkerProcess } from "./worker-process.ts";

/** A shell that runs `script`, and the first number that it prints. */
async function start(
  script: string,
  cgroup?: string,
): Promise<{ readonly process: WorkerProcess; readonly printed: number }> {
  const lines: string[] = [];
  const command = { file: "/bin/sh", args: ["-c", script], env: {}, cwd: "/", cgroup };
  const process = startWorkerProcess(command, {
    onMessage: () => undefined,
    onLines: () => undefined,
    onMalformed: () => undefined,
    onClose: () => undefined,
    onPrinted: () => undefined,
    onLine: (_, line) => lines.push(line),
  });
  closeAtTestEnd(() => process.kill());
  return { process, printed: await eventually(() => lines.length > 0 && Number(lines[0])) };
}

test("a process that is ended takes what it has started along", async () => {
  const { process: worker, printed } = await start("/bin/sleep 600 & echo $!; wait");
  assert.ok(isAlive(printed));
  worker.kill();
  assert.equal(await worker.exited, "signal SIGKILL");
  await eventually(() => !isAlive(printed));
});

test("what a process has left behind is ended, and its descriptors are closed", async () => {
  const before = openFileCount(process.pid);
  const { process: worker, printed } = await start("/bin/sleep 600 & echo $!; sleep 0.1; exit 7");
  assert.equal(await worker.exited, "exit code 7");
  await eventually(() => !isAlive(printed));
  assert.ok(openFileCount(process.pid) <= before);
});

test("a program that is not there has exited, and nothing is thrown", async () => {
  const command = { file: "/nonexistent/program", args: [], env: {}, cwd: "/" };
  const worker = startWorkerProcess(command, {
    onMessage: () => undefined,
    onLines: () => undefined,
    onMalformed: () => undefined,
    onClose: () => undefined,
    onPrinted: () => undefined,
    onLine: () => undefined,
  });
  assert.equal(worker.pid, 0);
  assert.match(await worker.exited, /ENOENT/);
  assert.equal(worker.send({ type: "health", down: [] }), "closed");
  worker.kill();
});

test("in a control group of its own, not even a process of another session escapes", async (t) => {
  const parent = makeUnitCgroup(t);
  if (parent === undefined) return;
  // A worker runs no code of its own before it is in its group.
  const untilMoved = "until grep -q worker- /proc/self/cgroup; do sleep 0.01; done";
  const sleeper = 'setsid /bin/sh -c "echo \\$\\$; exec /bin/sleep 600" & wait';
  const script = `${untilMoved}; ${sleeper}`;
  const { process: worker, printed } = await start(script, parent);
  removeUnitCgroupAtTestEnd(parent);
  assert.ok(isAlive(printed));
  assert.ok(existsSync(join(parent, `worker-${worker.pid}`)));
  worker.kill();
  await worker.exited;
  await eventually(() => !isAlive(printed));
  assert.deepEqual(
    readdirSync(parent).filter((name) => name.startsWith("worker-")),
    [],
  );
});
