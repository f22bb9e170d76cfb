import { spawn, type ChildProcess, type StdioOptions } from "node:child_process";
import { closeSync, openSync, readFileSync } from "node:fs";
import { setTimeout as delay } from "node:timers/promises";
import { BenchFailure } from "./bench-failure.ts";
import { isAlive, processTreeOf, type ProcessIdentity } from "./measure/process-tree.ts";

const stopDeadlineMs = 5_000;
const stopPollMs = 20;

export interface Command {
  readonly name: string;
  readonly program: string;
  readonly args: readonly string[];
  /** Core list for taskset(1); descendants inherit it. */
  readonly cores: string;
  /** Standard output and error go here. */
  readonly logPath: string;
  /** Descriptor 3 of the child: the runtime's own messages, for programs of the bench, or a plain pipe. */
  readonly channel?: "ipc" | "pipe";
  readonly env?: Readonly<Record<string, string>>;
  readonly cwd?: string;
}

/** Every process that the bench starts, so that each can be ended by its id. */
export class ChildProcesses {
  readonly #started = new Set<StartedProcess>();
  #isClosed = false;

  /** After `stopAll`, whatever still runs is on its way out. */
  get isClosed(): boolean {
    return this.#isClosed;
  }

  start(command: Command): StartedProcess {
    if (this.#isClosed) {
      throw new BenchFailure(`${command.name} is not started: the bench is ending.`);
    }
    const started = new StartedProcess(command);
    this.#started.add(started);
    return started;
  }

  async stopAll(): Promise<void> {
    this.#isClosed = true;
    await Promise.all([...this.#started].map((started) => started.stop()));
    this.#started.clear();
  }
}

export class StartedProcess {
  readonly name: string;
  readonly child: ChildProcess;
  readonly #logPath: string;

  constructor(command: Command) {
    this.name = command.name;
    this.#logPath = command.logPath;
    const log = openSync(command.logPath, "a");
    const stdio: StdioOptions = [
      "ignore",
      log,
      log,
      ...(command.channel === undefined ? [] : [command.channel]),
    ];
    // The death signal ends the child when the bench itself is killed; being detached keeps the terminal's
    // Ctrl-C from reaching it before the bench has ended its run. Both programs exec, so the id stays.
    this.child = spawn(
      "setpriv",
      ["--pdeathsig", "TERM", "taskset", "-c", command.cores, command.program, ...command.args],
      {
        stdio,
        detached: true,
        ...(command.env && { env: command.env }),
        ...(command.cwd && { cwd: command.cwd }),
      },
    );
    this.child.on("error", () => {});
    closeSync(log);
  }

  get pid(): number {
    if (this.child.pid === undefined || this.hasExited) {
      throw this.failure("is not running");
    }
    return this.child.pid;
  }

  get hasExited(): boolean {
    return this.child.exitCode !== null || this.child.signalCode !== null;
  }

  /** A failure that carries the last lines of the process's log. */
  failure(sentence: string): BenchFailure {
    const log = readFileSync(this.#logPath, "utf8").trim().split("\n").slice(-5).join("\n");
    return new BenchFailure(
      `${this.name} ${sentence}.${log === "" ? "" : ` Its log ends with:\n${log}`}`,
    );
  }

  async stop(): Promise<void> {
    if (this.child.pid === undefined || this.hasExited) {
      return;
    }
    const tree = processTreeOf(this.child.pid);
    this.child.kill("SIGTERM");
    if (!(await haveGone(tree))) {
      tree.filter(isAlive).forEach(({ pid }) => signalIfThere(pid, "SIGKILL"));
      await haveGone(tree);
    }
  }
}

async function haveGone(tree: readonly ProcessIdentity[]): Promise<boolean> {
  const deadlineMs = performance.now() + stopDeadlineMs;
  while (tree.some(isAlive)) {
    if (performance.now() > deadlineMs) {
      return false;
    }
    await delay(stopPollMs);
  }
  return true;
}

function signalIfThere(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal);
  } catch {
    // It went by itself in the meantime.
  }
}
