import type { BenchCase } from "../cases/bench-case.ts";
import type { LoadGroup } from "../load-group.ts";
import type { RunningSubject } from "../subjects/start-subject.ts";
import { closeLoad, driveLoad, prepareLoad } from "./ask-load.ts";
import { cpuUseBetween, readCpuTime, waitUntilQuiet } from "./cpu-time.ts";
import type { Measurement } from "./measurement.ts";

export async function warmUp(
  benchCase: BenchCase,
  load: LoadGroup,
  running: RunningSubject,
): Promise<void> {
  const operations = benchCase.warmUpOperations;
  await prepareLoad(benchCase, load, running, { operations });
  await driveLoad(benchCase, load, running, operations);
  await closeLoad(load, running);
  await waitUntilQuiet(running.process.pid);
}

export async function measureCpu(
  benchCase: BenchCase,
  load: LoadGroup,
  running: RunningSubject,
): Promise<Measurement> {
  await prepareLoad(benchCase, load, running);
  const before = readCpuTime(running.process.pid);
  const startMs = performance.now();
  const outcome = await driveLoad(benchCase, load, running, benchCase.operations);
  const elapsedNs = (performance.now() - startMs) * 1e6;
  await waitUntilQuiet(running.process.pid);
  const use = cpuUseBetween(before, readCpuTime(running.process.pid));
  await closeLoad(load, running);
  const unitNs = outcome.operations * benchCase.perUnit;
  return {
    value: use.allNs / unitNs,
    busy: use.allNs / elapsedNs,
    ...(running.subject.hasWorkers && { workers: use.descendantsNs / unitNs }),
    ...(outcome.resumed !== undefined && { resumed: outcome.resumed / outcome.operations }),
  };
}
