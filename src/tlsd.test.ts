import assert from "node:assert/strict";
import { copyFile, mkdir, readFile, symlink } from "node:fs/promises";
import { createServer } from "node:http";
import { join } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { runToExit, startProcess } from "#harness/child-process.ts";
import { eventually } from "#harness/deadline.ts";
import { closeAtTestEnd } from "#harness/lifetime.ts";
import { tryOldNode } from "#harness/old-node.ts";
import { findProgram } from "#harness/packages.ts";
import { makeTempFolder } from "#harness/temp-folder.ts";

const launcherFor = (name: string): string => fileURLToPath(new URL(name, import.meta.url));
const byNode = launcherFor("tlsd.mjs");
const byShell = launcherFor("tlsd.sh");
const oldNode = tryOldNode();
const skip = oldNode === undefined ? "there is no older Node on this machine" : false;
const run = (file: string, args: readonly string[]) => runToExit(oldNode ?? "", [file, ...args]);

test("the project's own Node runs the program as it is", async () => {
  const { code, stdout } = await runToExit(process.execPath, [byNode, "--version"]);
  assert.equal(code, 0);
  assert.match(stdout, /^\d+\.\d+\.\d+\n$/);
});

test("`tlsd` is on the project's Node, with no process in between", async () => {
  const { running, programPid } = await startWatching([byShell]);
  assert.equal(programPid, running.pid);
  const command = await readFile(`/proc/${running.pid}/cmdline`, "utf8");
  assert.match(command, /node_modules\/node-linux-\w+\/bin\/node\0/);
  running.child.kill("SIGTERM");
  assert.equal((await running.exited).code, 0);
});

test(
  "an older Node runs it on the project's Node, output and exit code passed through",
  { skip },
  async () => {
    const version = await run(byNode, ["--version"]);
    assert.equal(version.code, 0);
    assert.match(version.stdout, /^\d+\.\d+\.\d+\n$/);
    const wrong = await run(byNode, ["show", "nothing"]);
    assert.equal(wrong.code, 2);
    assert.match(wrong.stderr, /unknown command 'nothing'/);
    const unreachable = await run(byNode, ["show", "status", "--socket", "/nowhere/tlsd.sock"]);
    assert.equal(unreachable.code, 1);
  },
);

/** The launcher watching something, and the process id of the program below it, or its own. */
async function startWatching([command = "", ...launcher]: readonly string[]) {
  const socketPath = join(await makeTempFolder(), "tlsd.sock");
  const server = createServer((_request, response) => response.end("[]")).listen(socketPath);
  closeAtTestEnd(() => {
    server.closeAllConnections();
    server.close();
  });
  const args = [...launcher, "show", "vnics", "--watch", "--socket", socketPath];
  const running = await startProcess(command, args);
  await eventually(() => running.output() !== "", 10_000, "the first round");
  const children = await readFile(`/proc/${running.pid}/task/${running.pid}/children`, "utf8");
  return { running, programPid: children === "" ? running.pid : Number(children.trim()) };
}

test("signals reach the program, and its exit code comes back", { skip }, async () => {
  for (const signal of ["SIGINT", "SIGTERM"] as const) {
    const { running } = await startWatching([oldNode ?? "", byNode]);
    running.child.kill(signal);
    const exit = await running.exited;
    assert.deepEqual([exit.code, exit.signal], [0, null], signal);
  }
});

test("a program that a signal ended ends the launcher the same way", { skip }, async () => {
  const { running, programPid } = await startWatching([oldNode ?? "", byNode]);
  process.kill(programPid, "SIGKILL");
  const exit = await running.exited;
  assert.deepEqual([exit.code, exit.signal], [null, "SIGKILL"]);
});

test("without the project's Node it says in a sentence what to install", { skip }, async () => {
  const folder = join(await makeTempFolder(), "src");
  await mkdir(folder);
  for (const name of ["tlsd.mjs", "tlsd.sh", "node.sh"]) {
    await copyFile(launcherFor(name), join(folder, name));
  }
  for (const tool of ["readlink", "uname", "tr", "sed"]) {
    await symlink(findProgram(tool) ?? "", join(folder, tool));
  }
  const env = { PATH: folder };
  const launchers = [
    [oldNode ?? "", join(folder, "tlsd.mjs")],
    ["/bin/sh", join(folder, "tlsd.sh")],
  ] as const;
  for (const [command, launcher] of launchers) {
    const text = await runToExit(command, [launcher, "show", "status"], { env });
    assert.deepEqual([text.code, text.stdout], [1, ""]);
    assert.match(
      text.stderr,
      /^tlsd: old-runtime: This needs Node 26, and .*\n {2}Run `npm ci`.* or install Node 26\.\n$/,
    );
    const json = await runToExit(command, [launcher, "show", "status", "--json"], { env });
    assert.equal(json.code, 1);
    assert.equal((JSON.parse(json.stdout) as Record<string, string>)["code"], "old-runtime");
  }
});
