import { join } from "node:path";
import { benchCaseOf } from "./bench-case.ts";
import { makeBenchCertificate } from "./bench-certificate.ts";
import { BenchFailure } from "./bench-failure.ts";
import type { ChildProcesses } from "./child-processes.ts";
import { chooseCores } from "./cores.ts";
import { EndpointProcess } from "./endpoint-process.ts";
import { LoadProcess } from "./load-process.ts";
import { expectedTerms } from "./load/tls-client.ts";
import { assertOpenFiles } from "./open-files.ts";
import type { BenchOptions } from "./parse-options.ts";
import type { BenchResult } from "./report/bench-result.ts";
import { machineOf } from "./report/machine.ts";
import { runCpuCases, runMemoryCase, type Bench } from "./run-cases.ts";
import { findSubjects } from "./subjects/find-subjects.ts";

/** No run takes longer than this, however slow the machine. */
const runDeadlineMs = 120_000;

export interface BenchTools {
  readonly children: ChildProcesses;
  /** Everything that is written on the way goes here; every user can enter it. */
  readonly workFolder: string;
  readonly say: (line: string) => void;
}

/** All wanted cases over all subjects found; throws a BenchFailure when the figures would not compare. */
export async function runBench(options: BenchOptions, tools: BenchTools): Promise<BenchResult> {
  const { children, workFolder, say } = tools;
  const { isQuick, runs } = options;
  const cores = chooseCores();
  const cases = options.cases.map((name) => benchCaseOf(name, isQuick));
  cases.forEach(assertOpenFiles);
  const found = findSubjects(options.peers, options.engines, say);
  if (found.length === 0) {
    throw new BenchFailure("There is nothing to measure: no peer and no engine is left.");
  }

  function startLoad<Order extends object, Reply>(script: string): LoadProcess<Order, Reply> {
    const logPath = join(workFolder, `${script}.log`);
    return new LoadProcess(children, script, {
      cores: cores.load,
      logPath,
      deadlineMs: runDeadlineMs,
    });
  }
  const endpoint = new EndpointProcess(startLoad("endpoint"));
  const configurations = new Map<string, string>();
  const bench: Bench = {
    subjects: found.map(({ subject }) => subject),
    place: {
      children,
      workFolder,
      cores: cores.subject,
      certificate: makeBenchCertificate(workFolder),
      openEndpoint: () => endpoint.openPort(),
      configurations,
    },
    runs,
    startLoad: ({ load }) => startLoad(load),
    countAtEndpoint: (port) => endpoint.countConnections(port),
    say,
  };

  const date = new Date().toISOString();
  const machine = machineOf();
  const results = await runCpuCases(
    cases.filter(({ name }) => name !== "memory"),
    bench,
  );
  for (const benchCase of cases.filter(({ name }) => name === "memory")) {
    results.push(await runMemoryCase(benchCase, bench));
  }
  const subjects = found.map(({ subject: { name }, build }) => ({
    name,
    ...build,
    configuration: configurations.get(name) ?? "",
  }));
  return {
    date,
    machine,
    isQuick,
    runs,
    negotiated: expectedTerms,
    subjects,
    cases: results,
  };
}
