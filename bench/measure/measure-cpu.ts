import type { BenchCase } from "../bench-case.ts";
import { BenchFailure } from "../bench-failure.ts";
import type { LoadOrder, LoadReply } from "../load/load-messages.ts";
import type { LoadProcess } from "../load-process.ts";
import type { RunningSubject } from "../subjects/start-subject.ts";
import { cpuUseBetween, readCpuTime, waitUntilQuiet } from "./cpu-time.ts";

export type CaseLoad = LoadProcess<LoadOrder, LoadReply>;

/** One run's figure, in the case's unit. */
export interface Measurement {
  readonly value: number;
  /** Of it, what the processes below the root used; only where that is a figure of its own. */
  readonly workers?: number;
  /** Share of the run that the subject was on its core; far below 1, the load was the limit. */
  readonly busy?: number;
}

export async function warmUp(
  benchCase: BenchCase,
  load: CaseLoad,
  running: RunningSubject,
): Promise<void> {
  await prepareLoad(benchCase, load, running, benchCase.warmUpOperations);
  await askLoad(load, running, { type: "go" });
  await askLoad(load, running, { type: "close" });
  await waitUntilQuiet(running.process.pid);
}

export async function measureCpu(
  benchCase: BenchCase,
  load: CaseLoad,
  running: RunningSubject,
): Promise<Measurement> {
  await prepareLoad(benchCase, load, running, benchCase.operations);
  const before = readCpuTime(running.process.pid);
  const startMs = performance.now();
  const reply = await askLoad(load, running, { type: "go" });
  const elapsedNs = (performance.now() - startMs) * 1e6;
  await waitUntilQuiet(running.process.pid);
  const use = cpuUseBetween(before, readCpuTime(running.process.pid));
  await askLoad(load, running, { type: "close" });
  if (reply.type !== "done" || reply.operations !== benchCase.operations) {
    throw new BenchFailure(`${running.subject.name} did not do all of its ${benchCase.name}.`);
  }
  const unitNs = benchCase.operations * benchCase.perUnit;
  return {
    value: use.allNs / unitNs,
    busy: use.allNs / elapsedNs,
    ...(running.subject.hasWorkers ? { workers: use.descendantsNs / unitNs } : {}),
  };
}

export async function prepareLoad(
  benchCase: BenchCase,
  load: CaseLoad,
  { subject, target }: RunningSubject,
  operations: number,
): Promise<void> {
  const plan = { target, concurrency: benchCase.concurrency, operations };
  await askLoad(load, { subject }, { type: "prepare", plan });
}

/** Anything that went wrong makes the comparison void. */
export async function askLoad(
  load: CaseLoad,
  { subject }: Pick<RunningSubject, "subject">,
  order: LoadOrder,
): Promise<LoadReply> {
  const reply = await load.ask(order);
  if (reply.type === "failed") {
    throw new BenchFailure(
      `A run against ${subject.name} had an error, so nothing is compared: ${reply.sentence}.`,
    );
  }
  return reply;
}
