import { appendFileSync } from "node:fs";

/**
 * Is loaded into a worker on either engine. From SIGUSR2 on, appends to a file, every 50 ms, how long the event loop was held at
 * most: the processor time of its thread between two timers. The time of the clock would contain what the control process does on the
 * same core.
 */
const timerMs = 2;
const reportMs = 50;

interface Reading {
  readonly clockMs: number;
  readonly busyMs: number;
}

function read(): Reading {
  const { user, system } = process.threadCpuUsage();
  return { clockMs: performance.now(), busyMs: (user + system) / 1_000 };
}

function watch(path: string): void {
  let before = read();
  let longestMs = 0;
  let reportAtMs = before.clockMs + reportMs;
  setInterval(() => {
    const now = read();
    longestMs = Math.max(
      longestMs,
      Math.min(now.clockMs - before.clockMs, now.busyMs - before.busyMs),
    );
    before = now;
    if (now.clockMs < reportAtMs) return;
    appendFileSync(path, `${Date.now()} ${longestMs}\n`);
    longestMs = 0;
    reportAtMs = now.clockMs + reportMs;
    before = read();
  }, timerMs);
}

process.once("SIGUSR2", () => {
  const path = process.env["BENCH_WORKER_LOOP"];
  if (path !== undefined) watch(path);
});
