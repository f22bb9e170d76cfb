import { BenchFailure } from "../bench-failure.ts";
import { capacityCase, type BenchCase } from "../cases/cases.ts";
import type { Comparison } from "../cases/plan-comparisons.ts";
import type { Load } from "../load-processes.ts";
import type { Latency } from "../load/messages.ts";
import type { RunningProxy } from "../proxies/start-proxy.ts";
import { referenceProxy, type CaseResult, type Figure } from "../report/result.ts";
import type { Bench } from "../run-bench.ts";
import { interleave } from "./interleave.ts";
import { measureCpu, warmUp } from "./measure-cpu.ts";

const capacityRuns = 3;
/** The arrival rate as a share of the capacity. */
const rateShare = 0.5;
/** If the load is later than this, its own delay is a large part of what it measures. */
const maxLatenessUs = 2_000;
/** If the core was less busy than this, the load was the limit and not the proxy. */
const fullyBusy = 0.9;

/** Measures latency at a rate that is half of the capacity of HAProxy, or of the first proxy if HAProxy is not measured. */
export async function compareLatency(
  { cases, runs }: Comparison,
  { proxies, startLoad, log }: Bench,
): Promise<CaseResult[]> {
  const [first] = cases;
  if (first === undefined) return [];
  const running = (await proxies.start(cases)).get(first) ?? [];
  const capacityLoad = await startLoad("parallel");
  const { rate, note } = await chooseRate(first, running, capacityLoad, log);
  await capacityLoad.stop();
  const load = await startLoad("single");
  try {
    for (const proxy of running) {
      log(`latency: ${proxy.name}: warming up`);
      await measureLatency(first, load, proxy, rate, first.warmUpOperations);
    }
    const subjects = running.map((proxy) => ({
      proxy: proxy.name,
      cases,
      async measure() {
        const latency = await measureLatency(first, load, proxy, rate, first.operations);
        return cases.map(({ name }) => ({
          value: name.endsWith("p50") ? latency.p50Us : latency.p99Us,
          lateP99Us: latency.lateP99Us,
        }));
      },
    }));
    const figures = await interleave(subjects, runs, log);
    const whole = note + latenessNoteOf(figures.get(first) ?? []);
    return cases.map((one) => {
      return { case: one, figures: figures.get(one) ?? [], unsupported: [], note: whole };
    });
  } finally {
    await load.stop();
  }
}

/** Measures the capacity in a closed loop. Takes the best of several runs, because only the machine makes a run slower. */
async function chooseRate(
  { setup, plan }: BenchCase,
  running: readonly RunningProxy[],
  load: Load,
  log: (line: string) => void,
): Promise<{ readonly rate: number; readonly note: string }> {
  const proxy = running.find(({ name }) => name === referenceProxy) ?? running[0];
  if (proxy === undefined) throw new BenchFailure("No proxy is running.");
  const closedLoop = { ...capacityCase, setup, ...(plan && { plan }) };
  await warmUp(closedLoop, load, proxy);
  let capacity = 0;
  let busyShare = 0;
  for (let run = 1; run <= capacityRuns; run += 1) {
    const { value: nsPerRequest, busy = 0 } = await measureCpu(closedLoop, load, proxy);
    const perSecond = (busy / nsPerRequest) * 1e9;
    log(`capacity: ${proxy.name}: run ${run} of ${capacityRuns}: ${rateText(perSecond)}`);
    if (perSecond > capacity) [capacity, busyShare] = [perSecond, busy];
  }
  const rate = Math.round(capacity * rateShare);
  const limit = busyShare < fullyBusy ? " (the load was the limit)" : "";
  const note =
    `In a closed loop, ${proxy.name} answered ${rateText(capacity)} and used ${Math.round(busyShare * 100)} % of its core${limit}. ` +
    `For all proxies, ${rateText(rate)} arrived in bursts of a millisecond. Latency counts from the time at which a request was due.`;
  return { rate, note };
}

const rateText = (perSecond: number): string =>
  `${Math.round(perSecond).toLocaleString("en")} requests/s`;

async function measureLatency(
  benchCase: BenchCase,
  load: Load,
  proxy: RunningProxy,
  requestsPerSecond: number,
  seconds: number,
): Promise<Latency> {
  const operations = Math.round(requestsPerSecond * seconds);
  await load.prepare(benchCase, proxy, { operations, requestsPerSecond });
  const { latency } = await load.run(proxy, operations);
  await load.close(proxy);
  if (latency === undefined) throw new BenchFailure("The load did not measure a latency.");
  return latency;
}

function latenessNoteOf(figures: readonly Figure[]): string {
  const all = figures.flatMap(({ runs }) => runs);
  const late = all.filter(({ lateP99Us = 0 }) => lateP99Us > maxLatenessUs).length;
  if (late === 0) return "";
  return ` In ${late} of ${all.length} runs the load itself was more than ${maxLatenessUs / 1_000} ms late (99th percentile). The machine was busy with other work, so these latencies mean little.`;
}
