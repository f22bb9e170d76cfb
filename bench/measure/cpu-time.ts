import { readFileSync, readdirSync } from "node:fs";
import { setTimeout as delay } from "node:timers/promises";
import { BenchFailure } from "../bench-failure.ts";
import { processTreeOf } from "./process-tree.ts";

const quietPollMs = 50;
const quietDeadlineMs = 2_000;
/** A control process's heartbeats stay under this in a poll; closing connections does not. */
const quietNs = 1_000_000;

/** CPU time that each process of a tree has used so far, in nanoseconds; the root comes first. */
export type CpuTime = ReadonlyMap<number, number>;

export interface CpuUse {
  readonly allNs: number;
  /** Without the root process: what the workers of a director used. */
  readonly descendantsNs: number;
}

export function readCpuTime(rootPid: number): CpuTime {
  return new Map(
    processTreeOf(rootPid).map(({ pid }): [number, number] => [pid, cpuTimeNsOf(pid)]),
  );
}

/** Fails when a process came or went in between: its time would be missing from the difference. */
export function cpuUseBetween(before: CpuTime, after: CpuTime): CpuUse {
  const pids = [...before.keys()];
  if (pids.length === 0 || pids.join() !== [...after.keys()].join()) {
    throw new BenchFailure(
      `The subject's processes changed during a run (${pids.join(" ")} -> ${[...after.keys()].join(" ")}), so its CPU time is unknown.`,
    );
  }
  const used = pids.map((pid) => (after.get(pid) ?? 0) - (before.get(pid) ?? 0));
  const allNs = used.reduce((sum, ns) => sum + ns, 0);
  return { allNs, descendantsNs: allNs - (used[0] ?? 0) };
}

/** Waits until the work that a run left behind (closing connections) is done, so that it counts for that run. */
export async function waitUntilQuiet(rootPid: number): Promise<void> {
  const deadlineMs = performance.now() + quietDeadlineMs;
  let last = readCpuTime(rootPid);
  while (performance.now() < deadlineMs) {
    await delay(quietPollMs);
    const now = readCpuTime(rootPid);
    if (cpuUseBetween(last, now).allNs < quietNs) {
      return;
    }
    last = now;
  }
}

function cpuTimeNsOf(pid: number): number {
  return threadsOf(pid).reduce((sum, thread) => sum + onCpuNsOf(pid, thread), 0);
}

function threadsOf(pid: number): string[] {
  try {
    return readdirSync(`/proc/${pid}/task`);
  } catch {
    return [];
  }
}

/** The first number of schedstat: nanoseconds on a CPU, exact where stat's counters tick in 10 ms. */
function onCpuNsOf(pid: number, thread: string): number {
  try {
    return Number(readFileSync(`/proc/${pid}/task/${thread}/schedstat`, "utf8").split(" ", 1)[0]);
  } catch {
    return 0;
  }
}
