import { assertOpenFileLimit, planComparisons, type Comparison } from "./cases/plan-comparisons.ts";
import { reserveCores, type Cores } from "./cores.ts";
import { startEndpoint, startLoad, type Load } from "./load-processes.ts";
import { compareCpu } from "./measure/measure-cpu.ts";
import { compareLatency } from "./measure/measure-latency.ts";
import { compareMemory } from "./measure/measure-memory.ts";
import type { MeasureOptions } from "./build-program.ts";
import type { Processes } from "./processes.ts";
import { findProxies } from "./proxies/find-proxies.ts";
import { RunningProxies } from "./proxies/running-proxies.ts";
import { makeCertificates, type Environment } from "./proxies/start-proxy.ts";
import { describeMachine, type BenchResult, type CaseResult } from "./report/result.ts";

export interface Tools {
  readonly processes: Processes;
  /** All temporary files are written here. Every user can read the folder. */
  readonly workFolder: string;
  readonly log: (line: string) => void;
}

/** What every comparison needs. */
export interface Bench {
  readonly environment: Environment;
  readonly proxies: RunningProxies;
  /** `parallel` starts a load process for each core of the load. */
  readonly startLoad: (kind: "parallel" | "single") => Promise<Load>;
  readonly log: (line: string) => void;
}

/** Measures all wanted cases with all proxies that were found. A case that failed is part of the result. */
export async function runBench(options: MeasureOptions, tools: Tools): Promise<BenchResult> {
  const { processes, log } = tools;
  const date = new Date().toISOString();
  const comparisons = planComparisons(options);
  assertOpenFileLimit(comparisons);
  const modes = new Set(comparisons.flatMap(({ cases }) => cases.map(({ setup }) => setup.mode)));
  const found = await findProxies(options, modes, log);
  const cores = reserveCores();
  const machine = describeMachine(cores.loadCount);
  const environment = await prepareEnvironment(tools, cores);
  const bench: Bench = {
    environment,
    proxies: new RunningProxies(found, environment, log),
    startLoad: (kind) => startLoad(processes, cores.load, kind === "single" ? 1 : cores.loadCount),
    log,
  };
  const cases: CaseResult[] = [];
  for (const comparison of comparisons) cases.push(...(await compare(comparison, bench)));
  const proxies = found.flatMap(({ proxy: { name }, build }) => {
    const configurations = environment.configurations.get(name);
    return configurations === undefined ? [] : [{ name, ...build, configurations }];
  });
  return { date, machine, isQuick: options.isQuick, proxies, cases };
}

export async function prepareEnvironment(
  { processes, workFolder }: Tools,
  cores: Cores,
): Promise<Environment> {
  return {
    ...{ processes, cores, workFolder },
    certificates: await makeCertificates(workFolder),
    endpoint: await startEndpoint(processes, cores.load),
    configurations: new Map(),
  };
}

/** An error makes these cases incomparable, but not those of other comparisons. */
async function compare(comparison: Comparison, bench: Bench): Promise<CaseResult[]> {
  const { cases, measure } = comparison;
  try {
    if (measure === "memory") return await compareMemory(comparison, bench);
    if (measure === "latency") return await compareLatency(comparison, bench);
    return await compareCpu(comparison, bench);
  } catch (cause) {
    if (bench.environment.processes.isClosed) throw cause;
    const error = cause instanceof Error ? cause.message : String(cause);
    return cases.map((benchCase) => {
      bench.log(`${benchCase.name}: NOT COMPARED: ${error}`);
      return { case: benchCase, figures: [], unsupported: [], error };
    });
  }
}
