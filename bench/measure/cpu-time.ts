import { readFileSync, readdirSync } from "node:fs";
import { setTimeout as delay } from "node:timers/promises";
import { cpuTimeMs, descendantsOf } from "#harness/process-facts.ts";
import { BenchFailure } from "../bench-failure.ts";

const idlePollMs = 50;
const idleDeadlineMs = 2_000;
/** The heartbeats of a control process use less than this between two polls. Connections that are being closed use more. */
const idleNs = 1_000_000;
/** The clock ticks of a process are rounded to 10 ms. A larger difference was used by threads that started and ended. */
const maxTickErrorNs = 30_000_000;

/** CPU time that each process of a tree has used so far, by pid. The root process comes first. */
export type CpuTime = ReadonlyMap<number, ProcessCpuTime>;

interface ProcessCpuTime {
  /** Nanoseconds by thread. Threads that have ended are missing. */
  readonly threads: ReadonlyMap<string, number>;
  /** All threads, also those that have ended, in steps of 10 ms. */
  readonly processNs: number;
}

export interface CpuUse {
  readonly allNs: number;
  /** The time of all processes except the root. In a director, this is the time of its workers. */
  readonly descendantsNs: number;
}

export function readCpuTime(rootPid: number): CpuTime {
  const pids = [rootPid, ...descendantsOf(rootPid).map(({ pid }) => pid)];
  return new Map(
    pids.map((pid) => [
      pid,
      {
        threads: new Map(threadsOf(pid).map((thread) => [thread, threadNsOf(pid, thread)])),
        processNs: valueOrZero(() => cpuTimeMs(pid) * 1e6),
      },
    ]),
  );
}

/** Fails if a process started or ended in between, because its CPU time would be missing. */
export function cpuUseBetween(before: CpuTime, after: CpuTime): CpuUse {
  const pids = [...before.keys()];
  const pidsAfter = [...after.keys()];
  if (pids.join() !== pidsAfter.join()) {
    throw new BenchFailure(
      `The processes of the proxy changed during a run (${pids.join(" ")} -> ${pidsAfter.join(" ")}), so its CPU time is unknown.`,
    );
  }
  const used = pids.map((pid) => usedNsBetween(before.get(pid), after.get(pid)));
  if (used.some((ns) => ns < 0)) {
    throw new BenchFailure("The CPU time of the proxy decreased during a run.");
  }
  const allNs = used.reduce((sum, ns) => sum + ns, 0);
  return { allNs, descendantsNs: allNs - (used[0] ?? 0) };
}

/** Uses the time of the threads if all of them still exist, otherwise the ticks of the process. */
function usedNsBetween(before?: ProcessCpuTime, after?: ProcessCpuTime): number {
  if (before === undefined || after === undefined) return 0;
  const ticksNs = after.processNs - before.processNs;
  let threadsNs = 0;
  for (const [thread, ns] of after.threads) threadsNs += ns - (before.threads.get(thread) ?? 0);
  const hasEnded = [...before.threads].some(
    ([thread, ns]) => (after.threads.get(thread) ?? -1) < ns,
  );
  return hasEnded || ticksNs - threadsNs > maxTickErrorNs ? ticksNs : threadsNs;
}

/** Waits until the proxy has closed the connections of a run, so that this work is counted for that run. */
export async function waitUntilIdle(rootPid: number): Promise<void> {
  const deadlineMs = performance.now() + idleDeadlineMs;
  let last = readCpuTime(rootPid);
  while (performance.now() < deadlineMs) {
    await delay(idlePollMs);
    const now = readCpuTime(rootPid);
    if (cpuUseBetween(last, now).allNs < idleNs) return;
    last = now;
  }
}

function threadsOf(pid: number): string[] {
  try {
    return readdirSync(`/proc/${pid}/task`);
  } catch {
    return [];
  }
}

/** The first number of schedstat is the time on a CPU in nanoseconds. The counters of stat have steps of 10 ms. */
function threadNsOf(pid: number, thread: string): number {
  const path = `/proc/${pid}/task/${thread}/schedstat`;
  return valueOrZero(() => Number(readFileSync(path, "utf8").split(" ", 1)[0]));
}

/** A process or thread that has ended has no files in /proc any more. */
function valueOrZero(read: () => number): number {
  try {
    return read();
  } catch {
    return 0;
  }
}
