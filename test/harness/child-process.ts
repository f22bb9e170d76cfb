import { spawn, type ChildProcess } from "node:child_process";
import { createInterface } from "node:readline";
import { setImmediate as nextTurn } from "node:timers/promises";
import { compileCache } from "./compile-cache.ts";
import { eventually, withDeadline } from "./deadline.ts";
import { closeAtTestEnd } from "./lifetime.ts";
import { descendantsOf, isAlive, type ProcessIdentity } from "./process-facts.ts";

export interface ProcessResult {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface ProcessOptions {
  readonly cwd?: string;
  /** Added to PATH, HOME, TMPDIR and the compile cache: nothing else of the test's own environment reaches a child. */
  readonly env?: Readonly<Record<string, string>>;
  readonly onLine?: (line: string) => void;
}

export interface RunningProcess {
  readonly child: ChildProcess;
  readonly pid: number;
  readonly exited: Promise<ProcessResult>;
  readonly hasExited: () => boolean;
  /** Returns the output so far: all of stdout, then all of stderr. */
  readonly output: () => string;
}

// Grandchildren may hold the pipes open after the process itself has gone.
const pipeFlushDeadlineMs = 300;
const killOnExit = new Set<ChildProcess>();

process.on("exit", () => {
  for (const child of killOnExit) killTree(child);
});

/** Kills a process and all its descendants. The workers of a killed director would otherwise go on for a while. */
function killTree(child: ChildProcess): void {
  const below = child.pid === undefined ? [] : descendantsOf(child.pid);
  child.kill("SIGKILL");
  for (const identity of below) {
    if (isAlive(identity)) process.kill(identity.pid, "SIGKILL");
  }
}

function childEnvironment(extra: Readonly<Record<string, string>> = {}): NodeJS.ProcessEnv {
  const inherited = ["PATH", "HOME", "TMPDIR"].flatMap((name) => {
    const value = process.env[name];
    return value === undefined ? [] : [[name, value] as const];
  });
  return { ...Object.fromEntries(inherited), ...compileCache, ...extra };
}

/** Starts a process that is killed when the test process ends, whatever happens. */
export async function startProcess(
  command: string,
  args: readonly string[],
  options: ProcessOptions = {},
): Promise<RunningProcess> {
  const child = spawn(command, args, {
    stdio: ["pipe", "pipe", "pipe"],
    env: childEnvironment(options.env),
    ...(options.cwd === undefined ? {} : { cwd: options.cwd }),
  });
  const printed = { stdout: "", stderr: "" };
  for (const name of ["stdout", "stderr"] as const) {
    child[name].setEncoding("utf8").on("data", (text: string) => {
      printed[name] += text;
    });
    if (options.onLine !== undefined) {
      createInterface({ input: child[name] }).on("line", options.onLine);
    }
  }
  // A process may end before it has read its input.
  child.stdin.on("error", () => undefined);
  const closed = Promise.withResolvers<void>();
  const exit = Promise.withResolvers<ProcessResult>();
  child.once("close", () => closed.resolve());
  child.once("exit", (code, signal) => {
    killOnExit.delete(child);
    const finish = (): void => exit.resolve({ code, signal, ...printed });
    // After a deadline that this process was too busy to meet, what is in the pipes is read in the same turn.
    withDeadline(closed.promise, pipeFlushDeadlineMs, "close")
      .catch(() => nextTurn())
      .then(finish)
      .catch(exit.reject);
  });
  const spawned = Promise.withResolvers<void>();
  child.once("spawn", () => spawned.resolve());
  child.once("error", (error) => spawned.reject(error));
  await spawned.promise;
  killOnExit.add(child);
  return {
    child,
    pid: child.pid ?? 0,
    exited: exit.promise,
    hasExited: () => child.exitCode !== null || child.signalCode !== null,
    output: () => printed.stdout + printed.stderr,
  };
}

export interface RunOptions extends ProcessOptions {
  readonly input?: string | Uint8Array;
  readonly deadlineMs?: number;
}

/** Runs a command to its end; past the deadline (20 s) it is killed and the error shows what it printed. */
export async function runToExit(
  command: string,
  args: readonly string[],
  options: RunOptions = {},
): Promise<ProcessResult> {
  const running = await startProcess(command, args, options);
  running.child.stdin?.end(options.input);
  try {
    return await withDeadline(
      running.exited,
      options.deadlineMs ?? 20_000,
      () => `the end of ${command} ${args.join(" ")}, which printed:\n${running.output()}\n`,
    );
  } finally {
    if (!running.hasExited()) killTree(running.child);
  }
}

/** Ends a process with `signal`. If it does not exit within the deadline, kills it and all its descendants. */
export async function endProcess(
  running: RunningProcess,
  signal: NodeJS.Signals = "SIGTERM",
  deadlineMs = 3_000,
): Promise<void> {
  if (running.hasExited()) return;
  running.child.kill(signal);
  try {
    await withDeadline(running.exited, deadlineMs, `the end of process ${running.pid}`);
  } catch {
    killTree(running.child);
    await running.exited;
  }
}

/** Resolves when none of the processes runs any more. */
export async function untilEnded(
  processes: readonly ProcessIdentity[],
  deadlineMs: number,
  what = "the end of the processes",
): Promise<void> {
  await eventually(() => !processes.some(isAlive), deadlineMs, what);
}

/** Resolves when the process has printed what matches `pattern`, or, with `orEnd`, has exited without. */
export async function untilPrinted(
  running: RunningProcess,
  pattern: RegExp,
  deadlineMs: number,
  { orEnd = false } = {},
): Promise<void> {
  await eventually(
    () => pattern.test(running.output()) || (orEnd && running.hasExited()),
    deadlineMs,
    () => `${pattern} in what was printed:\n${running.output()}\n`,
  );
}

export function endProcessAtTestEnd(running: RunningProcess): void {
  closeAtTestEnd(() => endProcess(running));
}

/** Kills the process and its descendants when the test ends: a command may leave its children behind. */
export function killTreeAtTestEnd(running: RunningProcess): void {
  closeAtTestEnd(() => {
    if (!running.hasExited()) killTree(running.child);
  });
}
