import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { callApi, type ApiReply, type ApiRequest } from "#harness/admin-client.ts";
import { fleetDocument, type FleetSize } from "#harness/fleet-document.ts";
import { memoryOf, workersBelow } from "#harness/process-facts.ts";
import { BenchFailure } from "../bench-failure.ts";
import type { BenchProcess, Processes } from "../processes.ts";
import type { Variant } from "../proxies/director.ts";
import type { BenchCertificates } from "../proxies/tls-proxy.ts";

const startDeadlineMs = 120_000;
const requestDeadlineMs = 60_000;

export interface FleetSite {
  /** The entry of the program. */
  readonly program: string;
  readonly folder: string;
  readonly size: FleetSize;
  readonly port: number;
  readonly endpointPort: number;
  readonly certificates: BenchCertificates;
}

/** A director that serves a fleet with one worker. */
export class FleetDirector {
  /** From the start of the process until it is ready. */
  readonly startMs: number;
  readonly #process: BenchProcess;
  readonly #folder: string;

  constructor(process: BenchProcess, folder: string, startMs: number) {
    this.#process = process;
    this.#folder = folder;
    this.startMs = startMs;
  }

  get socketPath(): string {
    return join(this.#folder, "data/tlsd.sock");
  }

  async api(path: string, options: ApiRequest = {}): Promise<ApiReply> {
    const reply = await callApi(this.socketPath, path, {
      deadlineMs: requestDeadlineMs,
      ...options,
    });
    if (reply.status === 200) return reply;
    throw new BenchFailure(`${path}: ${reply.status} ${JSON.stringify(reply.body)}`);
  }

  /** Returns how long the event loop of the control process was held at most since a time in milliseconds since the epoch. */
  longestHoldMs(sinceMs: number): number {
    const samples = readFileSync(loopFileIn(this.#folder), "utf8").trim().split("\n");
    const holds = samples.map((line) => line.split(" ").map(Number));
    return Math.max(0, ...holds.flatMap(([atMs = 0, ms = 0]) => (atMs >= sinceMs ? [ms] : [])));
  }

  /** The proportional set sizes. */
  memoryMiB(): { readonly control: number; readonly worker: number } {
    const { pid } = this.#process;
    const [worker] = workersBelow(pid);
    if (worker === undefined) throw new BenchFailure("The director has no worker.");
    const mib = (of: number): number => memoryOf(of).pssBytes / 2 ** 20;
    return { control: mib(pid), worker: mib(worker.pid) };
  }

  stop(): Promise<void> {
    return this.#process.stop();
  }
}

const loopFileIn = (folder: string): string => join(folder, "loop.txt");

/** Starts a director on one core and waits until it is ready. */
export async function startFleet(
  engine: Variant,
  site: FleetSite,
  processes: Processes,
  core: string,
): Promise<FleetDirector> {
  const { program, folder, size, port, endpointPort, certificates } = site;
  mkdirSync(folder, { recursive: true, mode: 0o755 });
  const { chainPath, keyPath } = certificates.ecdsa;
  const settings = { port, endpointPort, chain: chainPath, key: keyPath };
  const documentPath = join(folder, "director.yaml");
  // The endpoint is on this machine, and the changes come over the API.
  const director = { endpoints: { allow: ["127.0.0.0/8"] } };
  writeFileSync(
    documentPath,
    JSON.stringify({ director, ...fleetDocument({ ...size, ...settings }) }),
  );
  writeFileSync(loopFileIn(folder), "");
  const startedMs = performance.now();
  const process_ = await processes.start({
    name: `director/${engine}`,
    program: process.execPath,
    args: [
      ...["--import", fileURLToPath(new URL("watch-loop.ts", import.meta.url))],
      ...[program, "serve", "--config", documentPath],
      ...["--data", join(folder, "data"), "--workers", "1"],
      ...["--engine", engine === "node" ? "node" : "bun"],
    ],
    cores: core,
    env: { TLSD_BENCH_LOOP: loopFileIn(folder) },
  });
  const socketPath = join(folder, "data/tlsd.sock");
  while (performance.now() - startedMs < startDeadlineMs && !process_.hasExited) {
    const ready = await callApi(socketPath, "/readyz").catch(() => undefined);
    if (ready?.status === 200) {
      return new FleetDirector(process_, folder, performance.now() - startedMs);
    }
    await delay(10);
  }
  throw process_.failure("is not ready");
}
