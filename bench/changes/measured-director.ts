import { chmodSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { callApi, type ApiReply, type ApiRequest } from "#harness/admin-client.ts";
import { memoryOf, workersBelow } from "#harness/process-facts.ts";
import { BenchFailure } from "../bench-failure.ts";
import { readCpuTime } from "../measure/cpu-time.ts";
import type { BenchProcess, Processes } from "../processes.ts";
import type { Variant } from "../proxies/director.ts";

const startDeadlineMs = 120_000;
const requestDeadlineMs = 60_000;

export interface DirectorPlan {
  /** The entry of the program. */
  readonly program: string;
  readonly engine: Variant;
  /** The data folder is made in this folder. */
  readonly folder: string;
  readonly documentPath: string;
  /** Whose event loop is watched, so that `longestHoldMs` can be asked. This takes some percent of a core. */
  readonly watches?: "control" | "worker";
  readonly onLine?: (line: string) => void;
}

/** A running director with one worker. The bench measures its start, its changes and its memory. */
export class MeasuredDirector {
  /** From the start of the process until it is ready. */
  readonly startMs: number;
  /** The processor time of all its processes by then. */
  readonly startCpuMs: number;
  readonly #process: BenchProcess;
  readonly #folder: string;

  constructor(process: BenchProcess, folder: string, startMs: number) {
    this.#process = process;
    this.#folder = folder;
    this.startMs = startMs;
    this.startCpuMs = this.cpuMs();
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

  /** Returns the processor time that all its processes have used which run now. */
  cpuMs(): number {
    const times = [...readCpuTime(this.#process.pid).values()];
    const threads = times.flatMap((time) => [...time.threads.values()]);
    return threads.reduce((sum, ns) => sum + ns, 0) / 1e6;
  }

  /** Returns how long the event loop that is watched was held at most since a time in milliseconds since the epoch. */
  longestHoldMs(sinceMs: number): number {
    const samples = readFileSync(loopFileIn(this.#folder), "utf8").trim().split("\n");
    const holds = samples.map((line) => line.split(" ").map(Number));
    return Math.max(0, ...holds.flatMap(([atMs = 0, ms = 0]) => (atMs >= sinceMs ? [ms] : [])));
  }

  /** Begins to watch the event loop of the worker, if the plan says so. */
  watchWorker(): void {
    process.kill(this.#worker().pid, "SIGUSR2");
  }

  /** The proportional set sizes. */
  memoryMiB(): { readonly control: number; readonly worker: number } {
    const mib = (of: number): number => memoryOf(of).pssBytes / 2 ** 20;
    return { control: mib(this.#process.pid), worker: mib(this.#worker().pid) };
  }

  #worker(): ReturnType<typeof workersBelow>[number] {
    const [worker] = workersBelow(this.#process.pid);
    if (worker === undefined) throw new BenchFailure("The director has no worker.");
    return worker;
  }

  stop(): Promise<void> {
    return this.#process.stop();
  }
}

const loopFileIn = (folder: string): string => join(folder, "loop.txt");
const pathOf = (relative: string): string => fileURLToPath(new URL(relative, import.meta.url));

/** The programs that are loaded into the control process. */
const WATCHERS = {
  control: pathOf("watch-loop.ts"),
  worker: pathOf("../profile/instrument-workers.ts"),
} as const;

/** Starts a director on one core and waits until it is ready. */
export async function startDirector(
  { program, engine, folder, documentPath, watches, onLine }: DirectorPlan,
  processes: Processes,
  core: string,
): Promise<MeasuredDirector> {
  mkdirSync(folder, { recursive: true, mode: 0o755 });
  writeFileSync(loopFileIn(folder), "");
  // The worker may run as another user.
  chmodSync(loopFileIn(folder), 0o666);
  const startedMs = performance.now();
  const process_ = await processes.start({
    name: `director/${engine}`,
    program: process.execPath,
    args: [
      ...(watches === undefined ? [] : ["--import", WATCHERS[watches]]),
      ...[program, "serve", "--config", documentPath],
      ...["--data", join(folder, "data"), "--workers", "1"],
      ...["--engine", engine === "node" ? "node" : "bun"],
    ],
    cores: core,
    env: {
      TLSD_BENCH_LOOP: loopFileIn(folder),
      BENCH_WORKER_LOOP: loopFileIn(folder),
      BENCH_WORKER_PRELOAD: pathOf("../certificates/watch-worker.ts"),
    },
    ...(onLine && { onLine }),
  });
  const socketPath = join(folder, "data/tlsd.sock");
  while (performance.now() - startedMs < startDeadlineMs && !process_.hasExited) {
    const ready = await callApi(socketPath, "/readyz").catch(() => undefined);
    if (ready?.status === 200) {
      return new MeasuredDirector(process_, folder, performance.now() - startedMs);
    }
    await delay(10);
  }
  throw process_.failure("is not ready");
}
