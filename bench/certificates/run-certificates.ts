import { execFile } from "node:child_process";
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { uniqueVirtualIp } from "#harness/addresses.ts";
import { BuiltProgram } from "../changes/built-program.ts";
import { startDirector } from "../changes/measured-director.ts";
import { reserveCores } from "../cores.ts";
import { startEndpoint } from "../load-processes.ts";
import { engineFileOf, type Variant } from "../proxies/director.ts";
import { alignColumns } from "../report/format-result.ts";
import { describeMachine, medianOf, type Machine } from "../report/result.ts";
import type { Tools } from "../run-bench.ts";
import { CertificateSite } from "./certificate-site.ts";
import { commitHaproxy, type HaproxyCertificates } from "./commit-haproxy.ts";
import {
  LoggedChanges,
  measureCertificates,
  type CertificateFigure,
  type CertificateRun,
} from "./measure-certificates.ts";

export interface CertificatesOptions {
  readonly engines: readonly Variant[];
  readonly certificates: number;
  readonly runs: number;
  readonly hasPeer: boolean;
}

export interface CertificatesResult {
  readonly date: string;
  readonly machine: Machine;
  readonly certificates: number;
  readonly engines: Readonly<Partial<Record<Variant, readonly CertificateRun[]>>>;
  /** How many microseconds the choice of a certificate by name takes. */
  readonly choices: Readonly<Partial<Record<Variant, number>>>;
  readonly haproxy?: HaproxyCertificates;
}

/** Below the ports that the system assigns to clients. */
const port = 19_443;

/** Measures a director that has one listener with many certificates, and HAProxy with the same files. */
export async function runCertificates(
  { engines, certificates, runs, hasPeer }: CertificatesOptions,
  { processes, workFolder, log }: Tools,
): Promise<CertificatesResult> {
  using built = new BuiltProgram();
  const cores = reserveCores();
  const machine = describeMachine(cores.loadCount);
  const endpoint = await startEndpoint(processes, cores.load);
  const endpointPort = await endpoint.openPort();
  const folder = join(workFolder, "sites");
  mkdirSync(folder, { mode: 0o755 });
  log(`making ${certificates} certificates`);
  const site = await CertificateSite.make({
    ...{ folder, count: certificates, virtualIp: uniqueVirtualIp(), port, endpointPort },
  });
  const measured: Partial<Record<Variant, CertificateRun[]>> = {};
  const choices: Partial<Record<Variant, number>> = {};
  for (const engine of engines) choices[engine] = await chooseByName(engine, certificates);
  for (let at = 1; at <= runs; at += 1) {
    for (const engine of engines) {
      const logged = new LoggedChanges();
      const director = await startDirector(
        {
          ...{ program: built.main, engine, documentPath: site.documentPath, watches: "worker" },
          folder: join(workFolder, `certificates-${engine}-${at}`),
          onLine: (line) => logged.hear(line),
        },
        processes,
        cores.proxy,
      );
      const run = await measureCertificates(director, site, logged);
      (measured[engine] ??= []).push(run);
      log(
        `director/${engine}, run ${at}: start ${ms(run.start)}, rotation ${ms(run.change)}, over the API ${ms(run.ordered)}`,
      );
      await director.stop();
    }
  }
  const haproxy = hasPeer ? await commitHaproxy(site, cores.proxy) : undefined;
  const date = new Date().toISOString();
  return {
    ...{ date, machine, certificates, engines: measured, choices },
    ...(haproxy && { haproxy }),
  };
}

const run = promisify(execFile);

async function chooseByName(engine: Variant, certificates: number): Promise<number> {
  const program = fileURLToPath(new URL("choose-by-name.ts", import.meta.url));
  const { stdout } = await run(engineFileOf(engine), [program, String(certificates)]);
  return Number(stdout);
}

const ROWS: readonly (readonly [figure: CertificateFigure, text: string, unit: string])[] = [
  ["start", "start until ready, one core", "ms"],
  ["startCpu", "processor time of the start, all processes", "ms"],
  ["change", "one certificate replaced, from the read files until all workers use them", "ms"],
  ["rotated", "the same, from the new files until a handshake shows them", "ms"],
  ["imported", "one certificate imported over the API", "ms"],
  ["ordered", "one certificate rotated over the API after 6 quiet seconds, with proof", "ms"],
  ["edited", "one server changed over the API", "ms"],
  ["rotationCpu", "processor time of one replacement", "ms"],
  ["wait", "longest answer on an open connection meanwhile", "ms"],
  ["hold", "longest hold of the worker's event loop by rotations under load", "ms"],
  ["watch", "an idle director that looks at its files, of a core", "%"],
  ["control", "memory of the control process", "MiB"],
  ["worker", "memory of the worker", "MiB"],
];

export function formatCertificates(result: CertificatesResult): string {
  const { certificates, engines, choices, haproxy, machine } = result;
  const names = Object.keys(engines) as Variant[];
  const peers: Partial<Record<CertificateFigure, string>> =
    haproxy === undefined
      ? {}
      : {
          start: ms(haproxy.startMs),
          change: ms(medianOf([...haproxy.commitsMs])),
          worker: `${haproxy.memoryMiB.toFixed(0)} MiB`,
        };
  const rows = ROWS.map(([figure, text, unit]) => [
    text,
    ...names.map((name) => {
      const value = medianOf((engines[name] ?? []).map((one) => one[figure]));
      return unit === "ms" ? ms(value) : `${value.toFixed(unit === "%" ? 1 : 0)} ${unit}`;
    }),
    peers[figure] ?? "",
  ]);
  const choice = [
    "choice of a certificate by name",
    ...names.map((name) => `${(choices[name] ?? Number.NaN).toFixed(2)} us`),
    "",
  ];
  const head = ["", ...names.map((name) => `director/${name}`), "haproxy (commit ssl cert)"];
  return [
    `A listener with ${certificates.toLocaleString("en")} certificates of three names each, medians`,
    alignColumns([head, ...rows, choice], "right"),
    `Load average before the start: ${machine.loadAverage.toFixed(1)} on ${machine.cores} cores.`,
  ].join("\n");
}

const ms = (value: number): string => `${value.toFixed(value < 100 ? 1 : 0)} ms`;
