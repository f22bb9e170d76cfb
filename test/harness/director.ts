import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { DirectorStatus, WorkerStatus } from "#model/records/status.ts";
import { callApi, type ApiReply, type ApiRequest } from "./admin-client.ts";
import type { ProcessResult, RunningProcess } from "./child-process.ts";
import { eventually, withDeadline } from "./deadline.ts";
import { closeAtTestEnd } from "./lifetime.ts";
import { isEvent, LogCapture, type LogLine, type LogPredicate } from "./log-capture.ts";
import { descendantsOf, isAlive, workersBelow, type ProcessIdentity } from "./process-facts.ts";
import { parsePrometheusText, type Metrics } from "./prometheus-text.ts";
import {
  documentText,
  prepareServe,
  runTlsd,
  startTlsd,
  type ServeLayout,
  type ServeOptions,
} from "./tlsd.ts";

const readyDeadlineMs = 60_000;
const stopDeadlineMs = 30_000;
const leftoverDeadlineMs = 1_500;

const reloadOutcomes = ["applied", "unchanged", "refused"] as const;
type ReloadOutcome = (typeof reloadOutcomes)[number];

/** A running director, its log and its admin API. */
export class Director implements AsyncDisposable {
  readonly pid: number;
  /** Holds director.yaml and the files that the test brought. */
  readonly dir: string;
  readonly dataDir: string;
  readonly documentPath: string;
  readonly socketPath: string;
  readonly #running: RunningProcess;
  readonly #log: LogCapture;
  readonly #descendants = new Map<number, ProcessIdentity>();

  constructor(running: RunningProcess, log: LogCapture, layout: ServeLayout) {
    this.#running = running;
    this.#log = log;
    this.pid = running.pid;
    this.dir = layout.folder;
    this.dataDir = layout.dataPath;
    this.documentPath = layout.documentPath;
    this.socketPath = join(layout.dataPath, "tlsd.sock");
  }

  get logs(): readonly LogLine[] {
    return this.#log.lines;
  }

  get hasExited(): boolean {
    return this.#running.hasExited();
  }

  /** Resolves with the result of the process, whether `stop` or a signal from a test has ended it. */
  get exited(): Promise<ProcessResult> {
    return this.#running.exited;
  }

  /** The first line since the start that matches, or the next one; `from` is an index into `logs`. */
  waitForLog(predicate: LogPredicate, deadlineMs = 5_000, from = 0): Promise<LogLine> {
    return this.#log.waitFor(predicate, deadlineMs, from);
  }

  api(path: string, options: ApiRequest = {}): Promise<ApiReply> {
    return callApi(this.socketPath, path, options);
  }

  async metrics(): Promise<Metrics> {
    return parsePrometheusText(String(await this.#get("/metrics")));
  }

  async status(): Promise<DirectorStatus> {
    return (await this.#get("/v1/status")) as DirectorStatus;
  }

  async workers(): Promise<readonly WorkerStatus[]> {
    const body = await this.#get("/v1/workers");
    const list = Array.isArray(body) ? body : Object.values(body as object).find(Array.isArray);
    return (list ?? []) as WorkerStatus[];
  }

  async workerPids(): Promise<readonly number[]> {
    const pids = (await this.workers()).map((worker) => worker.pid);
    this.#rememberDescendants();
    return pids;
  }

  /** Runs a command of the CLI against this director. */
  cli(...args: readonly string[]): Promise<ProcessResult> {
    return runTlsd(args, { env: { TLSD_SOCKET: this.socketPath } });
  }

  signal(signal: NodeJS.Signals): void {
    this.#rememberDescendants();
    this.#running.child.kill(signal);
  }

  /** Writes the document, sends SIGHUP, and gives the log line that says what came of it. */
  async reload(
    document: object | string,
    deadlineMs = 10_000,
  ): Promise<{ readonly outcome: ReloadOutcome; readonly line: LogLine }> {
    const from = this.logs.length;
    await writeFile(this.documentPath, documentText(document));
    this.signal("SIGHUP");
    const line = await this.waitForLog(
      (candidate) => reloadOutcomes.some((outcome) => isEvent(candidate, `document-${outcome}`)),
      deadlineMs,
      from,
    );
    const outcome = reloadOutcomes.find((one) => isEvent(line, `document-${one}`)) ?? "refused";
    return { outcome, line };
  }

  /** SIGTERM, then waits for its end; past the deadline it is killed, which is an error. Open clients hold up the drain. */
  async stop(deadlineMs = stopDeadlineMs): Promise<ProcessResult> {
    this.signal("SIGTERM");
    try {
      return await withDeadline(
        this.exited,
        deadlineMs,
        () => `the stop, after\n${this.#log.text()}\n`,
      );
    } finally {
      await this[Symbol.asyncDispose]();
    }
  }

  /** SIGKILL for the control process alone. Gives its workers, which are orphans then. */
  async kill(): Promise<readonly ProcessIdentity[]> {
    const workers = workersBelow(this.pid);
    this.signal("SIGKILL");
    const { signal } = await withDeadline(this.exited, stopDeadlineMs, "the kill");
    if (signal !== "SIGKILL") throw new Error(`the director ended before the kill, with ${signal}`);
    return workers;
  }

  /** Ends whatever is left of it at once; nothing to do after `stop`. */
  async [Symbol.asyncDispose](): Promise<void> {
    // The second SIGTERM asks for an end without a drain.
    for (const signal of ["SIGTERM", "SIGTERM", "SIGKILL"] as const) {
      if (this.hasExited) break;
      this.signal(signal);
      const ended = withDeadline(this.exited, leftoverDeadlineMs, "the end of the director");
      await ended.catch(() => undefined);
    }
    for (const identity of this.#descendants.values()) {
      if (isAlive(identity)) process.kill(identity.pid, "SIGKILL");
    }
  }

  /** Used by `startDirector`. */
  async untilReady(logsElsewhere = false): Promise<void> {
    const isReady = async (): Promise<boolean> => {
      if (this.hasExited) return true;
      // All lines of the start come before this one, which may come after /readyz has answered.
      const isLogged = logsElsewhere || this.logs.some((line) => isEvent(line, "ready"));
      if (!isLogged) return false;
      return (await this.api("/readyz", { deadlineMs: 2_000 })).status === 200;
    };
    const probing = eventually(isReady, readyDeadlineMs, "a ready director");
    await probing.catch((error: unknown) => {
      throw new Error(`the director is not ready; it printed:\n${this.#running.output()}`, {
        cause: error,
      });
    });
    if (this.hasExited) {
      const { code, signal } = await this.exited;
      throw new Error(
        `the director ended with ${code ?? signal}; it printed:\n${this.#running.output()}`,
      );
    }
    this.#rememberDescendants();
  }

  async #get(path: string): Promise<unknown> {
    const { status, body } = await this.api(path);
    if (status !== 200) throw new Error(`GET ${path}: ${status} ${JSON.stringify(body)}`);
    return body;
  }

  // Workers outlive a killed control process; by then nothing tells that they were its children.
  #rememberDescendants(): void {
    if (this.hasExited) return;
    for (const identity of descendantsOf(this.pid)) this.#descendants.set(identity.pid, identity);
  }
}

/** Starts `tlsd serve` on a document of the test and waits until it is ready; it ends with the test. */
export async function startDirector(options: ServeOptions): Promise<Director> {
  const layout = await prepareServe(options);
  const log = new LogCapture();
  const running = await startTlsd(layout.args, {
    ...options,
    env: environmentIn(layout, options),
    onLine: (line) => log.add(line),
  });
  const director = new Director(running, log, layout);
  closeAtTestEnd(() => director[Symbol.asyncDispose]());
  await director.untilReady(options.logsElsewhere);
  return director;
}

/** The director has a temp folder of its own, where a test can look for its files. */
const environmentIn = (
  layout: ServeLayout,
  { env }: ServeOptions,
): Readonly<Record<string, string>> => ({
  TMPDIR: layout.folder,
  ...env,
});

/** Runs a director whose start must fail. Resolves with its output and its exit code. */
export async function runDirectorToExit(
  options: ServeOptions & { readonly deadlineMs?: number },
): Promise<ProcessResult & { readonly logs: readonly LogLine[] }> {
  const layout = await prepareServe(options);
  const log = new LogCapture();
  const result = await runTlsd(layout.args, {
    ...options,
    env: environmentIn(layout, options),
    deadlineMs: options.deadlineMs ?? readyDeadlineMs,
    onLine: (line) => log.add(line),
  });
  return { ...result, logs: log.lines };
}
