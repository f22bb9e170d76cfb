#!/usr/bin/env node
// What `tlsd` starts: plain JavaScript, as it may be an old Node that reads it. The program itself needs Node 26, which
// the project brings as an optional dependency; on an older Node it runs there, in a child.
import { spawn } from "node:child_process";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const WANTED_MAJOR = 26;
const majorOf = (version) => Number.parseInt(version, 10);

if (majorOf(process.versions.node) >= WANTED_MAJOR) {
  await import("./main.ts");
} else {
  const node = tryBundledNode();
  if (node === undefined) refuse("The project's own Node is not installed.");
  else runIn(node);
}

function tryBundledNode() {
  const name = `node-linux-${process.arch}`;
  const require = createRequire(import.meta.url);
  try {
    const manifest = require.resolve(`${name}/package.json`);
    const isNewEnough = majorOf(require(manifest).version) >= WANTED_MAJOR;
    return isNewEnough ? join(dirname(manifest), "bin", "node") : undefined;
  } catch {
    return undefined;
  }
}

function runIn(node) {
  const main = fileURLToPath(new URL("main.ts", import.meta.url));
  const child = spawn(node, [main, ...process.argv.slice(2)], { stdio: "inherit" });
  // A terminal sends Ctrl-C to both of us: passed on as well, it would come twice, and the second one stops at once.
  const isOnTerminal = [0, 1, 2].some((fd) => process[["stdin", "stdout", "stderr"][fd]].isTTY);
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP", "SIGUSR2"]) {
    process.on(signal, () => {
      if (signal !== "SIGINT" || !isOnTerminal) child.kill(signal);
    });
  }
  child.on("error", (error) => refuse(`${node} does not start: ${error.message}.`));
  child.on("exit", (code, signal) => {
    if (signal === null) process.exit(code ?? 1);
    process.removeAllListeners(signal);
    process.kill(process.pid, signal);
  });
}

function refuse(detail) {
  const failure = {
    code: "old-runtime",
    message: `This needs Node ${WANTED_MAJOR}, and it is ${process.versions.node}. ${detail}`,
    hint: `Run \`npm ci\` without --omit=optional, or install Node ${WANTED_MAJOR}.`,
  };
  if (process.argv.includes("--json")) console.log(JSON.stringify(failure, undefined, 2));
  else console.error(`tlsd: ${failure.code}: ${failure.message}\n  ${failure.hint}`);
  process.exitCode = 1;
}
