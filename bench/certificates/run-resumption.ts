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
import { withDeadline } from "#harness/deadline.ts";
import { workersBelow } from "#harness/process-facts.ts";
import { shopDocument } from "#harness/shop-document.ts";
import { BenchFailure } from "../bench-failure.ts";
import { reserveCores } from "../cores.ts";
import { requestBytes } from "../load/exchange.ts";
import { startEndpoint } from "../load-processes.ts";
import type { BenchProcess } from "../processes.ts";
import type { Variant } from "../proxies/director.ts";
import { makeCertificates } from "../proxies/start-proxy.ts";
import { alignColumns } from "../report/format-result.ts";
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

export interface ResumptionResult {
  readonly options: ResumptionOptions;
  readonly engines: Readonly<Partial<Record<Variant, readonly [before: Minute, after: Minute]>>>;
}

const ip = "127.0.0.1";
const port = 19_444;
const startDeadlineMs = 60_000;
const handshakeDeadlineMs = 20_000;
const clientsAtOnce = 64;

export async function runResumption(
  options: ResumptionOptions,
  tools: Tools,
): Promise<ResumptionResult> {
  using built = new BuiltProgram();
  const cores = reserveCores();
  const { ecdsa } = await makeCertificates(tools.workFolder);
  const endpoint = await startEndpoint(tools.processes, cores.load);
  const to = await endpoint.openPort();
  const engines: Partial<Record<Variant, readonly [Minute, Minute]>> = {};
  for (const engine of options.engines) {
    const folder = join(tools.workFolder, `resumption-${engine}`);
    mkdirSync(folder, { recursive: true, mode: 0o755 });
    const documentOf = (certificate: "one" | "two"): object => ({
      director: { endpoints: { allow: ["127.0.0.0/8"] } },
      ...shopDocument({
        ...{ ip, port, to, servers: { web: ip } },
        listener: { certificates: [certificate] },
        more: {
          certificates: {
            one: { chain: ecdsa.chainPath, key: ecdsa.keyPath },
            // The same files under another name, so that only the sessions make a difference.
            two: { chain: ecdsa.chainPath, key: ecdsa.keyPath },
          },
        },
      }),
    });
    const documentPath = join(folder, "director.yaml");
    writeFileSync(documentPath, JSON.stringify(documentOf("one")));
    const director = await tools.processes.start({
      name: `director/${engine}`,
      program: process.execPath,
      args: [
        ...[built.main, "serve", "--config", documentPath, "--data", join(folder, "data")],
        ...["--workers", "1", "--engine", engine === "node" ? "node" : "bun"],
      ],
      cores: cores.proxy,
    });
    const socketPath = join(folder, "data/tlsd.sock");
    await untilReady(socketPath, director);
    const crowd = new Crowd(ecdsa.caPem, options, workersBelow(director.pid)[0]?.pid ?? 0);
    await crowd.obtainSessions();
    const before = await crowd.comeBack();
    const { status, body } = await callApi(socketPath, "/v1/document", {
      method: "PUT",
      headers: { "if-match": "*" },
      body: documentOf("two"),
    });
    if (status !== 200) throw new BenchFailure(`The rotation failed: ${JSON.stringify(body)}`);
    engines[engine] = [before, await crowd.comeBack()];
    tools.log(`director/${engine}: measured`);
    await director.stop();
  }
  return { options, engines };
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
      await delay((at * seconds * 1_000) / clients - (performance.now() - startedMs));
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

export function formatResumption({ options, engines }: ResumptionResult): string {
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
  ].join("\n");
}
