import { chmodSync, copyFileSync, existsSync, mkdirSync, readFileSync } from "node:fs";
import { join, relative } from "node:path";
import { fileURLToPath } from "node:url";
import { eventually } from "#harness/deadline.ts";
import { descendantsOf } from "#harness/process-facts.ts";
import { BenchFailure } from "../bench-failure.ts";
import { bulkCases, handshakeCases, requestCase, type BenchCase } from "../cases/cases.ts";
import { httpCases } from "../cases/http-cases.ts";
import { http2Cases } from "../cases/http2-cases.ts";
import { reserveCores } from "../cores.ts";
import { startLoad } from "../load-processes.ts";
import { measureCpu, warmUp } from "../measure/measure-cpu.ts";
import type { ProfileOptions } from "../build-program.ts";
import { buildDirector, type Variant } from "../proxies/director.ts";
import { startProxy, type Environment } from "../proxies/start-proxy.ts";
import { alignColumns } from "../report/format-result.ts";
import { valueText } from "../report/result.ts";
import { prepareEnvironment, type Tools } from "../run-bench.ts";

export const profileLoads = ["handshakes", "requests", "bulk", "http", "h2"] as const;
export type ProfileLoad = (typeof profileLoads)[number];

const cases: Readonly<Record<ProfileLoad, BenchCase | undefined>> = {
  handshakes: handshakeCases[0],
  requests: requestCase,
  bulk: bulkCases[0],
  http: httpCases[0]?.[0],
  h2: http2Cases[0],
};
const profilesFolder = fileURLToPath(new URL("../work/profiles/", import.meta.url));
const instrument = fileURLToPath(new URL("./instrument-workers.ts", import.meta.url));
const profiler = fileURLToPath(new URL("./worker-profiler.ts", import.meta.url));
const writeDeadlineMs = 60_000;
const shownFunctions = 25;

/** Profiles the worker of a new director for each engine and load. Returns tables of the functions that took most time. */
export async function profileWorkers(options: ProfileOptions, tools: Tools): Promise<string> {
  const environment = await prepareEnvironment(tools, reserveCores());
  mkdirSync(profilesFolder, { recursive: true });
  const sections: string[] = [];
  for (const engine of options.engines) {
    for (const load of options.loads) {
      tools.log(`profiling ${load} on ${engine}`);
      sections.push(await profileWorker(engine, load, environment));
    }
  }
  return sections.join("\n\n");
}

async function profileWorker(
  engine: Variant,
  loadName: ProfileLoad,
  environment: Environment,
): Promise<string> {
  const base = cases[loadName];
  if (base === undefined) throw new TypeError(`${loadName} has no case.`);
  // The sampler needs a longer run than a measurement does.
  const benchCase = { ...base, operations: base.operations * 2 };
  const { processes, cores, workFolder } = environment;
  const folder = join(workFolder, `profile-${engine}-${loadName}`);
  mkdirSync(folder);
  // The worker may run as another user.
  chmodSync(folder, 0o777);
  const profilePath = join(folder, "worker.cpuprofile");
  const director = buildDirector(engine, {
    nodeOptions: ["--import", instrument],
    env: { BENCH_PROFILE_PATH: profilePath, BENCH_WORKER_PRELOAD: profiler },
  });
  const build = director.findBuild();
  if (build === undefined) {
    throw new BenchFailure(
      `Engine ${engine} was not found. Run npm ci, or choose another --engines.`,
    );
  }
  const proxy = await startProxy({ proxy: director, build }, benchCase.setup, environment);
  const load = await startLoad(processes, cores.load, 1);
  await warmUp(benchCase, load, proxy);
  const { value } = await measureCpu(benchCase, load, proxy);
  for (const { pid } of descendantsOf(proxy.process.pid)) process.kill(pid, "SIGUSR2");
  const what =
    "the profile of the worker, which bench/profile/instrument-workers.ts must have found";
  await eventually(() => existsSync(profilePath), writeDeadlineMs, what);
  await Promise.all([load.stop(), proxy.process.stop()]);

  const keptPath = join(profilesFolder, `${loadName}-${engine}.cpuprofile`);
  copyFileSync(profilePath, keptPath);
  // The profilers of the engines wrote the file.
  const profile = JSON.parse(readFileSync(keptPath, "utf8")) as CpuProfile;
  const rows = topFunctionsOf(profile, shownFunctions).map(({ place, selfMs, share }) => {
    return [place, selfMs.toFixed(0), `${(share * 100).toFixed(1)} %`];
  });
  return [
    `${loadName} on ${engine}, with start and warm-up: ${relative(process.cwd(), keptPath)}`,
    `(${benchCase.title}: ${valueText(value, benchCase)} while the profiler was running)`,
    alignColumns([["function", "self time (ms)", "share"], ...rows], "right"),
  ].join("\n");
}

/** The part of the V8 CPU profile format that is needed for self times. Both engines write this format. */
export interface CpuProfile {
  readonly nodes: readonly {
    readonly id: number;
    readonly callFrame: {
      readonly functionName: string;
      readonly url: string;
      readonly lineNumber: number;
    };
  }[];
  readonly samples: readonly number[];
  /** Microseconds before each sample. */
  readonly timeDeltas: readonly number[];
}

export interface FunctionTime {
  readonly place: string;
  readonly selfMs: number;
  /** Share of the time that was not idle. */
  readonly share: number;
}

const idleFunctions = new Set(["(idle)", "(root)"]);

/** Returns the functions with the largest self time, in descending order. */
export function topFunctionsOf(profile: CpuProfile, count: number): FunctionTime[] {
  const frames = new Map(profile.nodes.map(({ id, callFrame }) => [id, callFrame]));
  const selfUs = new Map<string, number>();
  let totalUs = 0;
  for (const [index, id] of profile.samples.entries()) {
    const frame = frames.get(id);
    if (frame === undefined || idleFunctions.has(frame.functionName)) continue;
    const us = Math.max(0, profile.timeDeltas[index] ?? 0);
    const place = placeOf(frame);
    selfUs.set(place, (selfUs.get(place) ?? 0) + us);
    totalUs += us;
  }
  return [...selfUs]
    .toSorted(([, one], [, other]) => other - one)
    .slice(0, count)
    .map(([place, us]) => ({ place, selfMs: us / 1_000, share: us / totalUs }));
}

function placeOf({
  functionName,
  url,
  lineNumber,
}: CpuProfile["nodes"][number]["callFrame"]): string {
  const name = functionName === "" ? "(anonymous)" : functionName;
  const file = url.replace(/^file:\/\//, "").replace(/^.*\/src\//, "src/");
  return file === "" ? name : `${name} ${file}:${lineNumber + 1}`;
}
