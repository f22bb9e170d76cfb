import { readFileSync, readdirSync } from "node:fs";
import { setTimeout as delay } from "node:timers/promises";
import { BenchFailure } from "../bench-failure.ts";
import { processTreeOf } from "./process-tree.ts";

const quietPollMs = 50;
const quietDeadlineMs = 2_000;
/** A control process's heartbeats stay under this in a poll; closing connections does not. */
const quietNs = 1_000_000;
/** USER_HZ is 100 on every architecture that Node runs on. */
const tickNs = 10_000_000;
/** The tick clock rounds this much at most; what it has more than the threads was used by threads that came and went. */
const tickErrorNs = 3 * tickNs;

/** CPU time that each process of a tree has used so far; the root comes first. */
export type CpuTime = ReadonlyMap<number, ProcessCpuTime>;

interface ProcessCpuTime {
  /** Exact to the nanosecond, by thread; those that have ended are not in it. */
  readonly threads: ReadonlyMap<string, number>;
  /** All threads there have been, in ticks of 10 ms. */
  readonly processNs: number;
}

export interface CpuUse {
  readonly allNs: number;
  /** Without the root process: what the workers of a director used. */
  readonly descendantsNs: number;
}

export function readCpuTime(rootPid: number): CpuTime {
  return new Map(
    processTreeOf(rootPid).map(({ pid }): [number, ProcessCpuTime] => [
      pid,
      {
        threads: new Map(threadsOf(pid).map((thread) => [thread, onCpuNsOf(pid, thread)])),
        processNs: processTimeNsOf(pid),
      },
    ]),
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
  const used = pids.map((pid) => usedNsBetween(before.get(pid), after.get(pid)));
  if (used.some((ns) => ns < 0)) {
    throw new BenchFailure("The subject's CPU time went backwards during a run.");
  }
  const allNs = used.reduce((sum, ns) => sum + ns, 0);
  return { allNs, descendantsNs: allNs - (used[0] ?? 0) };
}

/** By its threads where all of them are still there, else by the process's ticks. */
function usedNsBetween(before?: ProcessCpuTime, after?: ProcessCpuTime): number {
  if (before === undefined || after === undefined) {
    return 0;
  }
  const ticksNs = after.processNs - before.processNs;
  let threadsNs = 0;
  for (const [thread, ns] of after.threads) {
    threadsNs += ns - (before.threads.get(thread) ?? 0);
  }
  const hasEnded = [...before.threads].some(
    ([thread, ns]) => (after.threads.get(thread) ?? -1) < ns,
  );
  return hasEnded || ticksNs - threadsNs > tickErrorNs ? ticksNs : threadsNs;
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

/** utime and stime of proc_pid_stat(5), which the kernel scales to the time on a CPU that it keeps for the process. */
function processTimeNsOf(pid: number): number {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
    const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
    return (Number(fields[11]) + Number(fields[12])) * tickNs;
  } catch {
    return 0;
  }
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
