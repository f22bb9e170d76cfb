import type { BenchCase } from "../cases/bench-case.ts";
import { BenchFailure } from "../bench-failure.ts";
import type { LoadOrder, LoadOutcome, LoadPlan, LoadReply } from "../load/load-messages.ts";
import type { LoadGroup } from "../load-group.ts";
import type { RunningSubject } from "../subjects/start-subject.ts";

export async function prepareLoad(
  benchCase: BenchCase,
  load: LoadGroup,
  running: RunningSubject,
  changes: Partial<LoadPlan> = {},
): Promise<void> {
  const { terms, concurrency, operations } = benchCase;
  const target = running.targetOf(terms);
  const plan = { target, terms, concurrency, operations, ...benchCase.plan, ...changes };
  await askLoad(load, running, { type: "prepare", plan });
}

/** Does what was prepared; every operation must have been done. */
export async function driveLoad(
  benchCase: BenchCase,
  load: LoadGroup,
  running: RunningSubject,
  operations: number,
): Promise<LoadOutcome> {
  const reply = await askLoad(load, running, { type: "go" });
  if (reply.type !== "done" || reply.operations < operations) {
    throw new BenchFailure(`${running.subject.name} did not do all of its ${benchCase.name}.`);
  }
  return reply;
}

export async function closeLoad(load: LoadGroup, running: RunningSubject): Promise<void> {
  await askLoad(load, running, { type: "close" });
}

/** Anything that went wrong makes the comparison void. */
async function askLoad(
  load: LoadGroup,
  { subject }: RunningSubject,
  order: LoadOrder,
): Promise<LoadReply> {
  const reply = await load.ask(order);
  if (reply.type === "failed") {
    throw new BenchFailure(`A run against ${subject.name} had an error: ${reply.sentence}.`);
  }
  return reply;
}
