import type { BenchCase } from "../cases/bench-case.ts";
import { BenchFailure } from "../bench-failure.ts";
import type { Latency } from "../load/load-messages.ts";
import type { LoadGroup } from "../load-group.ts";
import type { RunningSubject } from "../subjects/start-subject.ts";
import { closeLoad, driveLoad, prepareLoad } from "./ask-load.ts";
import { cpuUseBetween, readCpuTime } from "./cpu-time.ts";

export interface Capacity {
  readonly requestsPerSecond: number;
  /** Share of the time that the subject was on its core. */
  readonly busy: number;
}

/** Requests a second in a closed loop. */
export async function measureCapacity(
  benchCase: BenchCase,
  load: LoadGroup,
  running: RunningSubject,
): Promise<Capacity> {
  await prepareLoad(benchCase, load, running);
  const before = readCpuTime(running.process.pid);
  const startMs = performance.now();
  const { operations } = await driveLoad(benchCase, load, running, benchCase.operations);
  const elapsedMs = performance.now() - startMs;
  const { allNs } = cpuUseBetween(before, readCpuTime(running.process.pid));
  await closeLoad(load, running);
  return { requestsPerSecond: (operations * 1_000) / elapsedMs, busy: allNs / 1e6 / elapsedMs };
}

/** Latencies of that many seconds of arrivals. */
export async function measureLatency(
  benchCase: BenchCase,
  load: LoadGroup,
  running: RunningSubject,
  requestsPerSecond: number,
  seconds: number,
): Promise<Latency> {
  const operations = Math.round(requestsPerSecond * seconds);
  await prepareLoad(benchCase, load, running, { operations, requestsPerSecond });
  const { latency } = await driveLoad(benchCase, load, running, operations);
  await closeLoad(load, running);
  if (latency === undefined) {
    throw new BenchFailure(`The load of ${benchCase.name} measured no latency.`);
  }
  return latency;
}
