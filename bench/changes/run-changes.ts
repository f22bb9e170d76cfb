import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { reserveCores } from "../cores.ts";
import { startEndpoint } from "../load-processes.ts";
import type { Variant } from "../proxies/director.ts";
import { makeCertificates } from "../proxies/start-proxy.ts";
import { alignColumns } from "../report/format-result.ts";
import { describeMachine, medianOf, type Machine } from "../report/result.ts";
import type { Tools } from "../run-bench.ts";
import { BuiltProgram } from "./built-program.ts";
import { startFleet, type FleetSite } from "./start-fleet.ts";
import { fleetOf, measureChanges, type ChangeFigure, type ChangeRun } from "./measure-changes.ts";
import { reloadHaproxy } from "./reload-haproxy.ts";

export interface ChangesOptions {
  readonly engines: readonly Variant[];
  readonly vnics: number;
  readonly runs: number;
  readonly hasPeer: boolean;
}

export interface ChangesResult {
  readonly date: string;
  readonly machine: Machine;
  readonly vnics: number;
  readonly engines: Readonly<Partial<Record<Variant, readonly ChangeRun[]>>>;
  /** A change of HAProxy is a reload. */
  readonly haproxy?: { readonly startMs: number; readonly reloadsMs: readonly number[] };
}

/** Below the ports that the system assigns to clients. */
const port = 19_443;

/** Measures what changes cost a director with many vNICs, and what a reload costs HAProxy with as many listeners. */
export async function runChanges(options: ChangesOptions, tools: Tools): Promise<ChangesResult> {
  const { engines, vnics, runs, hasPeer } = options;
  const { processes, workFolder, log } = tools;
  using built = new BuiltProgram();
  const program = built.main;
  const cores = reserveCores();
  const machine = describeMachine(cores.loadCount);
  const certificates = await makeCertificates(workFolder);
  const endpoint = await startEndpoint(processes, cores.load);
  const size = fleetOf(vnics);
  const measured: Partial<Record<Variant, ChangeRun[]>> = {};
  const siteIn = async (name: string): Promise<FleetSite> => {
    const folder = join(workFolder, name);
    mkdirSync(folder, { recursive: true, mode: 0o755 });
    const endpointPort = await endpoint.openPort();
    return { program, folder, size, port, certificates, endpointPort };
  };
  for (let at = 1; at <= runs; at += 1) {
    for (const engine of engines) {
      const site = await siteIn(`changes-${engine}-${at}`);
      const { endpointPort } = site;
      const director = await startFleet(engine, site, processes, cores.proxy);
      const { caPem } = certificates.ecdsa;
      const run = await measureChanges({
        ...{ program, director, size, port, caPem, endpoint, endpointPort },
      });
      (measured[engine] ??= []).push(run);
      log(`director/${engine}, run ${at}: start ${ms(run.start)}, change ${ms(run.change)}`);
      await director.stop();
    }
  }
  const peer = hasPeer ? await reloadHaproxy(await siteIn("changes-haproxy"), 5) : undefined;
  const date = new Date().toISOString();
  return { date, machine, vnics, engines: measured, ...(peer && { haproxy: peer }) };
}

const ROWS: readonly (readonly [figure: ChangeFigure, text: string, unit: "ms" | "MiB"])[] = [
  ["start", "start until ready, one core", "ms"],
  ["change", "one vNIC changed, request to reply", "ms"],
  ["served", "the same, until a new connection is served by it", "ms"],
  ["status", "/v1/status after a change", "ms"],
  ["metrics", "/metrics after traffic on every vNIC", "ms"],
  ["hold", "longest hold of the event loop meanwhile", "ms"],
  ["list", "/v1/vnics, all pages", "ms"],
  ["show", "tlsd show vnics, with the start of the CLI", "ms"],
  ["control", "memory of the control process", "MiB"],
  ["worker", "memory of the worker", "MiB"],
];

export function formatChanges({ vnics, engines, haproxy, machine }: ChangesResult): string {
  const names = Object.keys(engines) as Variant[];
  const reload = haproxy && medianOf(haproxy.reloadsMs);
  const peerOf = (figure: ChangeFigure): string => {
    if (figure === "start") return haproxy === undefined ? "" : ms(haproxy.startMs);
    return figure === "change" && reload !== undefined ? ms(reload) : "";
  };
  const rows = ROWS.map(([figure, text, unit]) => [
    text,
    ...names.map((name) => {
      const value = medianOf((engines[name] ?? []).map((run) => run[figure]));
      return unit === "ms" ? ms(value) : `${value.toFixed(0)} MiB`;
    }),
    peerOf(figure),
  ]);
  const head = ["", ...names.map((name) => `director/${name}`), "haproxy (reload)"];
  return [
    `${vnics.toLocaleString("en")} vNICs with a listener each, medians`,
    alignColumns([head, ...rows], "right"),
    `Load average before the start: ${machine.loadAverage.toFixed(1)} on ${machine.cores} cores.`,
  ].join("\n");
}

const ms = (value: number): string => `${value.toFixed(value < 100 ? 1 : 0)} ms`;
