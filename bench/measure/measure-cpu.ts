import type { BenchCase } from "../cases/cases.ts";
import type { Comparison } from "../cases/plan-comparisons.ts";
import type { Load } from "../load-processes.ts";
import type { RunningProxy } from "../proxies/start-proxy.ts";
import type { CaseResult, Measurement } from "../report/result.ts";
import type { Bench } from "../run-bench.ts";
import { createReadStream, statSync } from "node:fs";
import { setTimeout as wait } from "node:timers/promises";
import { cpuUseBetween, readCpuTime, waitUntilIdle } from "./cpu-time.ts";
import { interleave } from "./interleave.ts";

/** The director writes a line at most 200 ms after the end of its request. */
const LAST_LINES_MS = 500;

/** Measures CPU time per operation. The runs of all cases and all proxies are interleaved. */
export async function compareCpu(
  { cases, runs }: Comparison,
  { proxies, startLoad, log }: Bench,
): Promise<CaseResult[]> {
  const running = await proxies.start(cases);
  const pairs = cases.flatMap((benchCase) =>
    (running.get(benchCase) ?? []).map((proxy) => ({ benchCase, proxy })),
  );
  const [supported = [], unsupported = []] = [true, false].map((isSupported) =>
    pairs.filter(({ benchCase: { tls }, proxy: { groups } }) => {
      return groups.includes(tls.group) === isSupported;
    }),
  );
  // h2load opens as many connections as the case says, and is faster than several processes of Node.
  const isH2load = cases.some((one) => one.load === "h2load");
  const load = await startLoad(isH2load ? "single" : "parallel");
  try {
    for (const { benchCase, proxy } of supported) {
      log(`${benchCase.name}: ${proxy.name}: warming up`);
      await warmUp(benchCase, load, proxy);
    }
    const subjects = supported.map(({ benchCase, proxy }) => ({
      proxy: proxy.name,
      cases: [benchCase],
      measure: async () => [await measureCpu(benchCase, load, proxy)],
    }));
    const figures = await interleave(subjects, runs, log);
    return cases.map((benchCase) => ({
      case: benchCase,
      figures: figures.get(benchCase) ?? [],
      unsupported: unsupported
        .filter((pair) => pair.benchCase === benchCase)
        .map(({ proxy }) => proxy.name),
    }));
  } finally {
    await load.stop();
  }
}

export async function warmUp(benchCase: BenchCase, load: Load, proxy: RunningProxy): Promise<void> {
  const operations = benchCase.warmUpOperations;
  await load.prepare(benchCase, proxy, { operations });
  await load.run(proxy, operations);
  await load.close(proxy);
  await waitUntilIdle(proxy.process.pid);
}

export async function measureCpu(
  benchCase: BenchCase,
  load: Load,
  proxy: RunningProxy,
): Promise<Measurement> {
  const { pid } = proxy.process;
  await load.prepare(benchCase, proxy);
  const loggedBytes = logSizeOf(proxy);
  const before = readCpuTime(pid);
  const startMs = performance.now();
  const { operations, resumed } = await load.run(proxy, benchCase.operations);
  const elapsedNs = (performance.now() - startMs) * 1e6;
  await waitUntilIdle(pid);
  const use = cpuUseBetween(before, readCpuTime(pid));
  await load.close(proxy);
  if (proxy.logPath !== undefined) await wait(LAST_LINES_MS);
  const loggedLines = await linesAfter(proxy, loggedBytes);
  const unitNs = operations * benchCase.perUnit;
  return {
    value: use.allNs / unitNs,
    busy: use.allNs / elapsedNs,
    ...(proxy.hasWorkers && { workers: use.descendantsNs / unitNs }),
    ...(resumed !== undefined && { resumed: resumed / operations }),
    ...(loggedLines !== undefined && { logged: loggedLines / operations }),
  };
}

const logSizeOf = ({ logPath }: RunningProxy): number =>
  logPath === undefined ? 0 : statSync(logPath).size;

/** Returns the number of lines of the access log after offset `start`, or undefined if the proxy writes none. */
async function linesAfter({ logPath }: RunningProxy, start: number): Promise<number | undefined> {
  if (logPath === undefined) return undefined;
  let lines = 0;
  for await (const chunk of createReadStream(logPath, { start }) as AsyncIterable<Buffer>) {
    for (let at = chunk.indexOf(10); at >= 0; at = chunk.indexOf(10, at + 1)) lines += 1;
  }
  return lines;
}
