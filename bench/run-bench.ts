import { makeBenchCertificates } from "./bench-certificate.ts";
import { BenchFailure } from "./bench-failure.ts";
import type { BenchCase } from "./cases/bench-case.ts";
import { planGroups } from "./cases/plan-groups.ts";
import type { ChildProcesses } from "./child-processes.ts";
import { chooseCores } from "./cores.ts";
import { EndpointProcess } from "./endpoint-process.ts";
import { LoadGroup } from "./load-group.ts";
import { buildStartProcess } from "./load-process.ts";
import { assertOpenFiles } from "./open-files.ts";
import type { BenchOptions } from "./parse-options.ts";
import type { BenchResult, CaseResult } from "./report/bench-result.ts";
import { machineOf } from "./report/machine.ts";
import { runGroup, type Bench } from "./run-groups.ts";
import { findSubjects } from "./subjects/find-subjects.ts";

/** More would only get into each other's way. */
const maxLoadProcesses = 4;

export interface BenchTools {
  readonly children: ChildProcesses;
  /** Everything that is written on the way goes here; every user can enter it. */
  readonly workFolder: string;
  readonly say: (line: string) => void;
}

/** All wanted cases over all subjects found. A case whose figures would not compare is in the result as refused. */
export async function runBench(options: BenchOptions, tools: BenchTools): Promise<BenchResult> {
  const { children, workFolder, say } = tools;
  const cores = chooseCores();
  const groups = planGroups(options);
  assertOpenFiles(groups);
  const found = findSubjects(options, say);
  if (found.length === 0) {
    throw new BenchFailure("There is nothing to measure: no peer and no engine is left.");
  }

  const startProcess = buildStartProcess(children, cores.load, workFolder);
  function startLoad({ family, load }: BenchCase): LoadGroup {
    // Idle connections need no force, and one clock says when a request is due.
    const isSingle = family === "memory" || load === "latency";
    const count = isSingle ? 1 : Math.min(cores.loadCount, maxLoadProcesses);
    return new LoadGroup(Array.from({ length: count }, () => startProcess(load)));
  }
  const endpoint = new EndpointProcess(startProcess("endpoint"));
  const configurations = new Map<string, string>();
  const bench: Bench = {
    subjects: found,
    place: {
      children,
      workFolder,
      cores,
      certificates: makeBenchCertificates(workFolder),
      openEndpoint: () => endpoint.openPort(),
      configurations,
    },
    startLoad,
    countAtEndpoint: (port) => endpoint.countConnections(port),
    say,
  };

  const date = new Date().toISOString();
  const machine = machineOf(cores.loadCount);
  const cases: CaseResult[] = [];
  for (const group of groups) {
    cases.push(...(await runGroup(group, bench)));
  }
  const subjects = found.flatMap(({ subject: { name }, build }) => {
    const configuration = configurations.get(name);
    return configuration === undefined ? [] : [{ name, ...build, configuration }];
  });
  return { date, machine, isQuick: options.isQuick, subjects, cases };
}
