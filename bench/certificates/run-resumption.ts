/**
 * Measures the minute after a rotation: clients that have a session come back, each once, spread over the minute. The minute
 * before the rotation is the comparison.
 */
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { connect, createSecureContext, type SecureContext } from "node:tls";
import { setTimeout as delay } from "node:timers/promises";
import { callApi } from "#harness/admin-client.ts";
import { tryProcessTimeMs } from "#control/process-facts.ts";
import { filesOf } from "#harness/inventory-shop.ts";
import { withDeadline } from "#harness/deadline.ts";
import { workersBelow } from "#harness/process-facts.ts";
import { shopDocument } from "#harness/shop-document.ts";
import { createTestCa, type TestCa } from "#harness/test-ca.ts";
import { BenchFailure } from "../bench-failure.ts";
import { reserveCores } from "../cores.ts";
import { requestBytes } from "../load/exchange.ts";
import { startEndpoint } from "../load-processes.ts";
import type { BenchProcess } from "../processes.ts";
import type { Variant } from "../proxies/director.ts";
import { alignColumns } from "../report/format-result.ts";
import { describeMachine, type Machine } from "../report/result.ts";
import { BuiltProgram } from "../changes/built-program.ts";
import type { Tools } from "../run-bench.ts";

export interface ResumptionOptions {
  readonly engines: readonly Variant[];
  readonly clients: number;
  readonly seconds: number;
}

/** What a minute of returning clients was like. */
interface Minute {
  readonly resumed: number;
  readonly full: number;
  readonly failed: number;
  readonly medianMs: number;
  readonly p99Ms: number;
  readonly workerCpuMs: number;
}

type Minutes = readonly [before: Minute, after: Minute];

export interface ResumptionResult {
  readonly date: string;
  readonly machine: Machine;
  readonly options: ResumptionOptions;
  readonly engines: Readonly<Partial<Record<Variant, Minutes>>>;
}

const ip = "127.0.0.1";
const port = 19_444;
const startDeadlineMs = 60_000;
const handshakeDeadlineMs = 20_000;
const clientsAtOnce = 64;

/** What a director needs, and a CA that issues versions of its certificate. */
interface Site {
  readonly main: string;
  readonly cores: string;
  readonly document: object;
  readonly ca: TestCa;
}

export async function runResumption(
  options: ResumptionOptions,
  tools: Tools,
): Promise<ResumptionResult> {
  using built = new BuiltProgram();
  const cores = reserveCores();
  const machine = describeMachine(cores.loadCount);
  const endpoint = await startEndpoint(tools.processes, cores.load);
  const to = await endpoint.openPort();
  const ca = await createTestCa();
  const site: Site = {
    ...{ main: built.main, cores: cores.proxy, ca },
    document: {
      director: { endpoints: { allow: ["127.0.0.0/8"] } },
      ...shopDocument({
        ...{ ip, port, to, servers: { web: ip } },
        more: { certificates: { shop: { source: "inventory" } } },
      }),
    },
  };
  const engines: Partial<Record<Variant, Minutes>> = {};
  for (const engine of options.engines) {
    engines[engine] = await measureEngine(engine, site, options, tools);
    tools.log(`director/${engine}: measured`);
  }
  return { date: new Date().toISOString(), machine, options, engines };
}

async function measureEngine(
  engine: Variant,
  { main, cores, ca, document }: Site,
  options: ResumptionOptions,
  { processes, workFolder }: Tools,
): Promise<Minutes> {
  const folder = join(workFolder, `resumption-${engine}`);
  mkdirSync(folder, { recursive: true, mode: 0o755 });
  const documentPath = join(folder, "director.yaml");
  writeFileSync(documentPath, JSON.stringify(document));
  const director = await processes.start({
    name: `director/${engine}`,
    program: process.execPath,
    args: [
      ...[main, "serve", "--config", documentPath, "--data", join(folder, "data")],
      ...["--workers", "1", "--engine", engine === "node" ? "node" : "bun"],
    ],
    cores,
  });
  const exit = director.untilExit;
  const measure = async (): Promise<Minutes> => {
    const socketPath = join(folder, "data/tlsd.sock");
    await untilReady(socketPath, director);
    const bring = async (path: string): Promise<void> => {
      const files = filesOf(await ca.issue({ names: ["shop.example"] }));
      const { status, body } = await callApi(socketPath, path, { method: "POST", body: { files } });
      if (status !== 200) throw new BenchFailure(`The change failed: ${JSON.stringify(body)}`);
    };
    await bring("/v1/certificates/shop");
    const pid = workersBelow(director.pid)[0]?.pid ?? 0;
    const crowd = new Crowd(ca.certificatePem, options, pid);
    await crowd.obtainSessions();
    const before = await crowd.comeBack();
    await bring("/v1/certificates/shop/rotate");
    return [before, await crowd.comeBack()];
  };
  // Clients of a director that has ended would fail one after the other for the rest of the minute.
  const minutes = await Promise.race([measure(), exit]);
  exit.catch(() => undefined);
  await director.stop();
  return minutes;
}

async function untilReady(socketPath: string, director: BenchProcess): Promise<void> {
  const endsAtMs = performance.now() + startDeadlineMs;
  while (performance.now() < endsAtMs && !director.hasExited) {
    const ready = await callApi(socketPath, "/readyz").catch(() => undefined);
    if (ready?.status === 200) return;
    await delay(20);
  }
  throw director.failure("is not ready");
}

/** Clients of which each keeps its newest session. */
class Crowd {
  readonly #context: SecureContext;
  readonly #options: ResumptionOptions;
  readonly #workerPid: number;
  readonly #sessions: (Buffer | undefined)[];

  constructor(caPem: string, options: ResumptionOptions, workerPid: number) {
    this.#context = createSecureContext({ ca: caPem });
    this.#options = options;
    this.#workerPid = workerPid;
    this.#sessions = Array.from({ length: options.clients });
  }

  async obtainSessions(): Promise<void> {
    let next = 0;
    const obtainSome = async (): Promise<void> => {
      while (next < this.#options.clients) {
        next += 1;
        await this.#visit(next - 1);
      }
    };
    await Promise.all(Array.from({ length: clientsAtOnce }, obtainSome));
  }

  async comeBack(): Promise<Minute> {
    const { clients, seconds } = this.#options;
    const times: number[] = [];
    const counts = { resumed: 0, full: 0, failed: 0 };
    const cpuBeforeMs = tryProcessTimeMs(this.#workerPid) ?? 0;
    const startedMs = performance.now();
    const visits = Array.from({ length: clients }, async (_, at) => {
      await delay(Math.max(0, (at * seconds * 1_000) / clients - (performance.now() - startedMs)));
      const saidMs = performance.now();
      try {
        const isResumed = await this.#visit(at);
        counts[isResumed ? "resumed" : "full"] += 1;
        times.push(performance.now() - saidMs);
      } catch {
        counts.failed += 1;
      }
    });
    await Promise.all(visits);
    const workerCpuMs = (tryProcessTimeMs(this.#workerPid) ?? 0) - cpuBeforeMs;
    const sorted = times.toSorted((one, other) => one - other);
    const at = (share: number): number => sorted[Math.floor(share * (sorted.length - 1))] ?? 0;
    return { ...counts, medianMs: at(0.5), p99Ms: at(0.99), workerCpuMs };
  }

  /** Resolves to whether the session was resumed, when the client has a session for the next time. */
  async #visit(at: number): Promise<boolean> {
    const session = this.#sessions[at];
    const { promise, resolve, reject } = Promise.withResolvers<boolean>();
    const socket = connect({
      ...{ host: ip, port, servername: "shop.example", secureContext: this.#context },
      ...{ checkServerIdentity: () => undefined, rejectUnauthorized: false },
      ...(session === undefined ? {} : { session }),
    });
    socket.once("error", reject);
    socket.once("close", () => reject(new Error("the connection was closed")));
    socket.on("session", (newest: Buffer) => {
      this.#sessions[at] = newest;
      resolve(socket.isSessionReused());
    });
    // A client that does not read gets no ticket. Bun sends tickets with the first data.
    socket.resume();
    // Node sends no new ticket in a resumed handshake.
    socket.once("secureConnect", () => {
      socket.write(requestBytes);
      if (socket.isSessionReused()) resolve(true);
    });
    try {
      return await withDeadline(promise, handshakeDeadlineMs, "a handshake");
    } finally {
      socket.destroy();
    }
  }
}

export function formatResumption({ machine, options, engines }: ResumptionResult): string {
  const head = ["", "resumed", "full", "failed", "median", "p99", "CPU of the worker"];
  const rows = Object.entries(engines).flatMap(([engine, minutes]) =>
    minutes.map((minute, at) => [
      `director/${engine}, ${at === 0 ? "before" : "after"} the rotation`,
      ...[minute.resumed, minute.full, minute.failed].map(String),
      ...[minute.medianMs, minute.p99Ms].map((ms) => `${ms.toFixed(1)} ms`),
      `${(minute.workerCpuMs / 1_000).toFixed(2)} s`,
    ]),
  );
  return [
    `${options.clients} clients that come back within ${options.seconds} s, one worker`,
    alignColumns([head, ...rows], "right"),
    `Load average before the start: ${machine.loadAverage.toFixed(1)} on ${machine.cores} cores.`,
  ].join("\n");
}
