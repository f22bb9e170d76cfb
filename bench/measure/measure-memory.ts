import { setTimeout as delay } from "node:timers/promises";
import type { BenchCase } from "../bench-case.ts";
import { BenchFailure } from "../bench-failure.ts";
import type { RunningSubject } from "../subjects/start-subject.ts";
import { askLoad, prepareLoad, type CaseLoad, type Measurement } from "./measure-cpu.ts";
import { readPssBytes } from "./memory.ts";

/** Collectors and allocators give back what handshakes left behind, as far as they do so on their own. */
const settleMs = 2_000;
const throughDeadlineMs = 10_000;
const throughPollMs = 20;

type CountAtEndpoint = (port: number) => Promise<number>;

/** A freshly started subject's growth over the case's idle connections, all of them through to the endpoint. */
export async function measureMemory(
  benchCase: BenchCase,
  load: CaseLoad,
  running: RunningSubject,
  countAtEndpoint: CountAtEndpoint,
): Promise<Measurement> {
  const { pid } = running.process;
  await prepareLoad(benchCase, load, running, benchCase.warmUpOperations);
  await waitUntilThrough(running, benchCase.warmUpOperations, countAtEndpoint);
  await askLoad(load, running, { type: "close" });
  await waitUntilThrough(running, 0, countAtEndpoint);
  await delay(settleMs);
  const beforeBytes = readPssBytes(pid);

  await prepareLoad(benchCase, load, running, benchCase.operations);
  await waitUntilThrough(running, benchCase.operations, countAtEndpoint);
  await delay(settleMs);
  const afterBytes = readPssBytes(pid);

  await askLoad(load, running, { type: "go" });
  await askLoad(load, running, { type: "close" });
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
        `${subject.name} holds ${open} connections to the endpoint where ${expected} are expected, so nothing is compared.`,
      );
    }
    await delay(throughPollMs);
    open = await countAtEndpoint(endpointPort);
  }
}
