#!/usr/bin/env node
// For whoever starts the program by a Node of their own: plain JavaScript, as that Node may be an old one. The program
// needs Node 26: on an older Node it runs as a child, on the Node that `tlsd.sh` finds.
import { spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";

const WANTED_MAJOR = 26;
const pathOf = (relative) => fileURLToPath(new URL(relative, import.meta.url));

if (Number.parseInt(process.versions.node, 10) >= WANTED_MAJOR) {
  // A package holds JavaScript in place of the sources.
  await import(existsSync(pathOf("main.ts")) ? "./main.ts" : "../dist/main.js");
} else {
  const child = spawn("/bin/sh", [pathOf("tlsd.sh"), ...process.argv.slice(2)], {
    stdio: "inherit",
  });
  // A terminal sends Ctrl-C to both of us: passed on as well, it would come twice, and the second one stops at once.
  const isOnTerminal = [0, 1, 2].some((fd) => process[["stdin", "stdout", "stderr"][fd]].isTTY);
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP", "SIGUSR2"]) {
    process.on(signal, () => {
      if (signal !== "SIGINT" || !isOnTerminal) child.kill(signal);
    });
  }
  child.on("error", (error) => {
    console.error(`tlsd: /bin/sh does not start: ${error.message}.`);
    process.exitCode = 1;
  });
  child.on("exit", (code, signal) => {
    if (signal === null) process.exit(code ?? 1);
    process.removeAllListeners(signal);
    process.kill(process.pid, signal);
  });
}
