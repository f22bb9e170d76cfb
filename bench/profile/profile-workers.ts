import { mkdirSync, readFileSync } from "node:fs";
import { join, relative } from "node:path";
import { fileURLToPath } from "node:url";
import { makeBenchCertificates, type BenchCertificates } from "../bench-certificate.ts";
import { chooseCores, type Cores } from "../cores.ts";
import { EndpointProcess } from "../endpoint-process.ts";
import { LoadGroup } from "../load-group.ts";
import { buildStartProcess, type StartProcess } from "../load-process.ts";
import { measureCpu, warmUp } from "../measure/measure-cpu.ts";
import type { ProfileOptions } from "../parse-options.ts";
import { alignColumns } from "../report/align-columns.ts";
import type { BenchTools } from "../run-bench.ts";
import type { Variant } from "../subjects/director.ts";
import { placeListeners } from "../subjects/place-listeners.ts";
import { buildTargetOf, type RunningSubject } from "../subjects/start-subject.ts";
import { profileCaseOf, type ProfileLoadName } from "./profile-loads.ts";
import { startWorker } from "./start-worker.ts";
import { topFunctionsOf, type CpuProfile } from "./top-functions.ts";

const profilesFolder = fileURLToPath(new URL("../work/profiles/", import.meta.url));
const shownFunctions = 25;
const virtualIp = "127.0.1.62";
const groups = ["X25519MLKEM768", "X25519"];
const maxConnections = 2_000;

interface Parts extends BenchTools {
  readonly cores: Cores;
  readonly certificates: BenchCertificates;
  readonly endpoint: EndpointProcess;
  readonly startProcess: StartProcess;
}

/** A fresh worker for each engine and load; the profiles stay in bench/work/profiles. What took the time, as text. */
export async function profileWorkers(options: ProfileOptions, tools: BenchTools): Promise<string> {
  const cores = chooseCores();
  const startProcess = buildStartProcess(tools.children, cores.load, tools.workFolder);
  const parts: Parts = {
    ...tools,
    cores,
    certificates: makeBenchCertificates(tools.workFolder),
    endpoint: new EndpointProcess(startProcess("endpoint")),
    startProcess,
  };
  mkdirSync(profilesFolder, { recursive: true });
  const sections: string[] = [];
  for (const engine of options.engines) {
    for (const load of options.loads) {
      sections.push(await profileOne(engine, load, parts));
    }
  }
  return sections.join("\n\n");
}

async function profileOne(
  engine: Variant,
  loadName: ProfileLoadName,
  parts: Parts,
): Promise<string> {
  const { certificates, endpoint, say, workFolder } = parts;
  const benchCase = profileCaseOf(loadName);
  const folder = join(workFolder, `profile-${engine}-${loadName}`);
  mkdirSync(folder);
  const profilePath = join(profilesFolder, `${loadName}-${engine}.cpuprofile`);
  const endpointPort = await endpoint.openPort();
  const listeners = await placeListeners(virtualIp, ["ecdsa"]);
  const worker = await startWorker(
    engine,
    { folder, listeners, endpointPort, certificates, groups, workers: 1, maxConnections },
    { children: parts.children, cores: parts.cores.subject, profilePath },
  );
  const running: RunningSubject = {
    subject: { name: `worker on ${engine}`, hasWorkers: false },
    process: worker.process,
    groups,
    endpointPort,
    targetOf: buildTargetOf(listeners, certificates),
  };
  const load = new LoadGroup([parts.startProcess(benchCase.load)]);
  say(`${loadName} on ${engine}: warming up`);
  await warmUp(benchCase, load, running);
  say(`${loadName} on ${engine}: profiling`);
  const { value } = await measureCpu(benchCase, load, running);
  await load.stop();
  await worker.leave();
  const figure = `${value.toFixed(benchCase.decimals)} ${benchCase.unit} with the profiler on`;
  // The engines' own tools write it.
  const profile = JSON.parse(readFileSync(profilePath, "utf8")) as CpuProfile;
  const rows = topFunctionsOf(profile, shownFunctions).map(({ place, selfMs, share }) => [
    place,
    selfMs.toFixed(0),
    `${(share * 100).toFixed(1)} %`,
  ]);
  return [
    `${loadName} on ${engine} (${benchCase.title}: ${figure}), warm-up included: ${relative(process.cwd(), profilePath)}`,
    alignColumns([["function, by its own time", "ms", "share"], ...rows], true),
  ].join("\n");
}
