import { setTimeout as delay } from "node:timers/promises";
import { eventually } from "#harness/deadline.ts";
import { descendantsOf, memoryOf } from "#harness/process-facts.ts";
import { BenchFailure } from "../bench-failure.ts";
import type { BenchCase } from "../cases/cases.ts";
import type { Comparison } from "../cases/plan-comparisons.ts";
import type { Endpoint, Load } from "../load-processes.ts";
import type { FoundProxy } from "../proxies/find-proxies.ts";
import { startProxy, type RunningProxy } from "../proxies/start-proxy.ts";
import type { CaseResult, Measurement } from "../report/result.ts";
import type { Bench } from "../run-bench.ts";
import { waitUntilIdle } from "./cpu-time.ts";
import { interleave } from "./interleave.ts";

/** Garbage collectors and allocators return memory of the handshakes in this time, as far as they do so on their own. */
const settleMs = 2_000;
const connectDeadlineMs = 10_000;

/** Measures memory per connection. Each run starts a new proxy, because memory kept from an earlier run would hide growth. */
export async function compareMemory(
  { cases, runs }: Comparison,
  { proxies, environment, startLoad, log }: Bench,
): Promise<CaseResult[]> {
  await proxies.stopAll();
  const load = await startLoad("single");
  const measureOnce = async (found: FoundProxy, benchCase: BenchCase) => {
    const proxy = await startProxy(found, benchCase.setup, environment);
    try {
      return [await measureMemory(benchCase, load, proxy, environment.endpoint)];
    } finally {
      await proxy.process.stop();
    }
  };
  try {
    const subjects = cases.flatMap((benchCase) =>
      proxies.found
        .filter(({ proxy }) => proxy.modes.includes(benchCase.setup.mode))
        .map((found) => ({
          proxy: found.proxy.name,
          cases: [benchCase],
          measure: () => measureOnce(found, benchCase),
        })),
    );
    const figures = await interleave(subjects, runs, log);
    return cases.map((one) => ({ case: one, figures: figures.get(one) ?? [], unsupported: [] }));
  } finally {
    await load.stop();
  }
}

async function measureMemory(
  benchCase: BenchCase,
  load: Load,
  proxy: RunningProxy,
  endpoint: Endpoint,
): Promise<Measurement> {
  const { operations, warmUpOperations, perUnit, setup } = benchCase;
  const untilConnected = async (expected: number): Promise<void> => {
    // In mode http, idle clients have no connection to the endpoint. All of them have had an answer.
    if (setup.mode === "tcp") await waitUntilConnected(proxy, expected, endpoint);
  };
  await load.prepare(benchCase, proxy, { operations: warmUpOperations });
  await untilConnected(warmUpOperations);
  await load.close(proxy);
  await untilConnected(0);
  const before = await readSettled(proxy);

  await load.prepare(benchCase, proxy);
  await untilConnected(operations);
  const after = await readSettled(proxy);

  await load.run(proxy, operations);
  await load.close(proxy);
  const unitBytes = operations * perUnit;
  return {
    value: (after.allBytes - before.allBytes) / unitBytes,
    ...(proxy.hasWorkers && { workers: (after.workersBytes - before.workersBytes) / unitBytes }),
  };
}

/** A client may complete its handshake before the proxy has connected to the endpoint. */
async function waitUntilConnected(
  { name, endpointPort }: RunningProxy,
  expected: number,
  endpoint: Endpoint,
): Promise<void> {
  let open = 0;
  const isReached = async (): Promise<boolean> => {
    open = await endpoint.countConnections(endpointPort);
    return open === expected;
  };
  await eventually(
    isReached,
    connectDeadlineMs,
    () => `${name} has ${open} connections to the endpoint instead of ${expected}`,
  );
}

interface MemoryUse {
  /** What all processes of the proxy use. */
  readonly allBytes: number;
  /** What the processes use that the root process has started. */
  readonly workersBytes: number;
}

/**
 * Memory some time after the proxy has become idle, without the pages of files. Those are shared with every other process that runs the
 * same program, so they would change the figure by megabytes whenever such a process starts or ends.
 */
async function readSettled({ name, process }: RunningProxy): Promise<MemoryUse> {
  await waitUntilIdle(process.pid);
  await delay(settleMs);
  try {
    const workersBytes = descendantsOf(process.pid).reduce(
      (sum, { pid }) => sum + memoryOf(pid).anonymousBytes,
      0,
    );
    return { workersBytes, allBytes: workersBytes + memoryOf(process.pid).anonymousBytes };
  } catch (cause) {
    throw new BenchFailure(
      `The memory of ${name} cannot be read. Run the bench as the user of its processes, or as root.`,
      { cause },
    );
  }
}
