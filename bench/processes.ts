import {
  endProcess,
  startProcess,
  untilEnded,
  type RunningProcess,
} from "#harness/child-process.ts";
import { descendantsOf } from "#harness/process-facts.ts";
import { BenchFailure } from "./bench-failure.ts";

const stopDeadlineMs = 5_000;
const shownLogLines = 5;

export interface Command {
  /** The name in messages. */
  readonly name: string;
  readonly program: string;
  readonly args: readonly string[];
  /** Core list in the notation of taskset(1). Descendants inherit it. */
  readonly cores: string;
  readonly env?: Readonly<Record<string, string>>;
  readonly onLine?: (line: string) => void;
}

/** All processes that the bench has started. */
export class Processes {
  readonly #started = new Set<BenchProcess>();
  #isClosed = false;

  /** True as soon as `stopAll` has been called. No process starts after that. */
  get isClosed(): boolean {
    return this.#isClosed;
  }

  async start({ name, program, args, cores, ...options }: Command): Promise<BenchProcess> {
    // The death signal ends the child if the bench itself is killed. Both programs exec, so the pid stays the same.
    const prefix = ["--pdeathsig", "TERM", "taskset", "-c", cores];
    const running = await startProcess("setpriv", [...prefix, program, ...args], options);
    const started = new BenchProcess(name, running);
    this.#started.add(started);
    if (this.#isClosed) {
      await started.stop();
      throw new BenchFailure(`${name} was stopped because the bench is ending.`);
    }
    return started;
  }

  async stopAll(): Promise<void> {
    this.#isClosed = true;
    await Promise.all([...this.#started].map((started) => started.stop()));
  }
}

export class BenchProcess {
  readonly name: string;
  readonly #running: RunningProcess;

  constructor(name: string, running: RunningProcess) {
    this.name = name;
    this.#running = running;
  }

  get pid(): number {
    if (this.hasExited) throw this.failure("is not running");
    return this.#running.pid;
  }

  get hasExited(): boolean {
    return this.#running.hasExited();
  }

  /** Rejects when the process exits. */
  get untilExit(): Promise<never> {
    return this.#running.exited.then(() => {
      throw this.failure("has exited");
    });
  }

  writeLine(line: string): void {
    this.#running.child.stdin?.write(`${line}\n`);
  }

  /** Builds an error that includes the last lines of the output. */
  failure(sentence: string): BenchFailure {
    const lines = this.#running.output().trim().split("\n").slice(-shownLogLines).join("\n");
    const log = lines === "" ? "" : ` Its output ends with:\n${lines}`;
    return new BenchFailure(`${this.name} ${sentence}.${log}`);
  }

  /** Resolves when the process and all its descendants have ended. Rejects if some of them do not end. */
  async stop(): Promise<void> {
    if (this.hasExited) return;
    const descendants = descendantsOf(this.#running.pid);
    await endProcess(this.#running, "SIGTERM", stopDeadlineMs);
    await untilEnded(descendants, stopDeadlineMs, `the end of all processes of ${this.name}`);
  }
}
