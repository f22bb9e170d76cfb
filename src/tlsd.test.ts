import assert from "node:assert/strict";
import { copyFile, readFile } from "node:fs/promises";
import { createServer } from "node:http";
import { join } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { runToExit, startProcess } from "#harness/child-process.ts";
import { eventually } from "#harness/deadline.ts";
import { closeAtTestEnd } from "#harness/lifetime.ts";
import { tryOldNode } from "#harness/old-node.ts";
import { makeTempFolder } from "#harness/temp-folder.ts";

const launcher = fileURLToPath(new URL("tlsd.mjs", import.meta.url));
const oldNode = tryOldNode();
const skip = oldNode === undefined ? "there is no older Node on this machine" : false;
const run = (file: string, args: readonly string[]) => runToExit(oldNode ?? "", [file, ...args]);

test("the project's own Node runs the program as it is", async () => {
  const { code, stdout } = await runToExit(process.execPath, [launcher, "--version"]);
  assert.equal(code, 0);
  assert.match(stdout, /^\d+\.\d+\.\d+\n$/);
});

test(
  "an older Node runs it on the project's Node, output and exit code passed through",
  { skip },
  async () => {
    const version = await run(launcher, ["--version"]);
    assert.equal(version.code, 0);
    assert.match(version.stdout, /^\d+\.\d+\.\d+\n$/);
    const wrong = await run(launcher, ["show", "nothing"]);
    assert.equal(wrong.code, 2);
    assert.match(wrong.stderr, /unknown command 'nothing'/);
    const unreachable = await run(launcher, ["show", "status", "--socket", "/nowhere/tlsd.sock"]);
    assert.equal(unreachable.code, 1);
  },
);

/** The launcher watching something, and the process id of the program below it. */
async function startWatching() {
  const socketPath = join(await makeTempFolder(), "tlsd.sock");
  const server = createServer((_request, response) => response.end("[]")).listen(socketPath);
  closeAtTestEnd(() => {
    server.closeAllConnections();
    server.close();
  });
  const args = [launcher, "show", "vnics", "--watch", "--socket", socketPath];
  const running = await startProcess(oldNode ?? "", args);
  await eventually(() => running.output() !== "", 10_000, "the first round");
  const children = await readFile(`/proc/${running.pid}/task/${running.pid}/children`, "utf8");
  return { running, programPid: Number(children.trim()) };
}

test("signals reach the program, and its exit code comes back", { skip }, async () => {
  for (const signal of ["SIGINT", "SIGTERM"] as const) {
    const { running } = await startWatching();
    running.child.kill(signal);
    const exit = await running.exited;
    assert.deepEqual([exit.code, exit.signal], [0, null], signal);
  }
});

test("a program that a signal ended ends the launcher the same way", { skip }, async () => {
  const { running, programPid } = await startWatching();
  process.kill(programPid, "SIGKILL");
  const exit = await running.exited;
  assert.deepEqual([exit.code, exit.signal], [null, "SIGKILL"]);
});

test("without the project's Node it says in a sentence what to install", { skip }, async () => {
  const alone = join(await makeTempFolder(), "tlsd.mjs");
  await copyFile(launcher, alone);
  const text = await run(alone, ["show", "status"]);
  assert.deepEqual([text.code, text.stdout], [1, ""]);
  assert.match(
    text.stderr,
    /^tlsd: old-runtime: This needs Node 26, and it is .*\n {2}Run `npm ci`/,
  );
  const json = await run(alone, ["show", "status", "--json"]);
  assert.equal(json.code, 1);
  assert.equal((JSON.parse(json.stdout) as Record<string, string>)["code"], "old-runtime");
});
