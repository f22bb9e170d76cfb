import { setTimeout as delay } from "node:timers/promises";
import type { BenchCase } from "../cases/bench-case.ts";
import { BenchFailure } from "../bench-failure.ts";
import type { RunningSubject } from "../subjects/start-subject.ts";
import type { LoadGroup } from "../load-group.ts";
import { closeLoad, driveLoad, prepareLoad } from "./ask-load.ts";
import type { Measurement } from "./measurement.ts";
import { readPssBytes } from "./memory.ts";

/** Collectors and allocators give back what handshakes left behind, as far as they do so on their own. */
const settleMs = 2_000;
const throughDeadlineMs = 10_000;
const throughPollMs = 20;

type CountAtEndpoint = (port: number) => Promise<number>;

/** A freshly started subject's growth over the case's idle connections, all of them through to the endpoint. */
export async function measureMemory(
  benchCase: BenchCase,
  load: LoadGroup,
  running: RunningSubject,
  countAtEndpoint: CountAtEndpoint,
): Promise<Measurement> {
  const { pid } = running.process;
  await prepareLoad(benchCase, load, running, { operations: benchCase.warmUpOperations });
  await waitUntilThrough(running, benchCase.warmUpOperations, countAtEndpoint);
  await closeLoad(load, running);
  await waitUntilThrough(running, 0, countAtEndpoint);
  await delay(settleMs);
  const beforeBytes = readPssBytes(pid);

  await prepareLoad(benchCase, load, running);
  await waitUntilThrough(running, benchCase.operations, countAtEndpoint);
  await delay(settleMs);
  const afterBytes = readPssBytes(pid);

  await driveLoad(benchCase, load, running, benchCase.operations);
  await closeLoad(load, running);
  return { value: (afterBytes - beforeBytes) / benchCase.operations / benchCase.perUnit };
}

/** A client is done with its handshake before the subject has connected to the endpoint. */
async function waitUntilThrough(
  { subject, endpointPort }: RunningSubject,
  expected: number,
  countAtEndpoint: CountAtEndpoint,
): Promise<void> {
  const deadlineMs = performance.now() + throughDeadlineMs;
  let open = await countAtEndpoint(endpointPort);
  while (open !== expected) {
    if (performance.now() > deadlineMs) {
      throw new BenchFailure(
        `${subject.name} holds ${open} connections to the endpoint where ${expected} are expected.`,
      );
    }
    await delay(throughPollMs);
    open = await countAtEndpoint(endpointPort);
  }
}
