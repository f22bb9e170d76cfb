import { spawn, type ChildProcess } from "node:child_process";
import { openChannel } from "#protocol/channel.ts";
import type { ToControl, ToWorker } from "#protocol/messages.ts";
import { readOutputLines } from "./output-lines.ts";
import type { WorkerCommand } from "./worker-command.ts";

/** One process of the operating system with a message channel. */
export interface WorkerProcess {
  readonly pid: number;
  /** False when it is gone; nothing is thrown. */
  send(message: ToWorker): boolean;
  kill(): void;
  /** Resolves once the process is no more, in words: `exit code 1`, `signal SIGKILL`. */
  readonly exited: Promise<string>;
}

export function startWorkerProcess(
  command: WorkerCommand,
  onMessage: (message: unknown) => void,
  onLine: (stream: "stdout" | "stderr", line: string) => void,
): WorkerProcess {
  let child: ChildProcess;
  try {
    child = spawn(command.file, command.args, {
      env: command.env,
      cwd: command.cwd,
      // Engine bun reads no other.
      serialization: "json",
      stdio: ["ignore", "pipe", "pipe", "ipc"],
      // Out of the terminal's process group: Ctrl-C is for the control process, which then drains its workers.
      detached: true,
    });
  } catch (error) {
    return neverStarted(String(error));
  }
  const exited = Promise.withResolvers<string>();
  child.once("exit", (code, signal) => {
    exited.resolve(signal === null ? `exit code ${code ?? "unknown"}` : `signal ${signal}`);
  });
  child.on("error", (error) => {
    // Also a message that the process was too dead to take; only where it never started is there no exit to wait for.
    if (child.pid === undefined) exited.resolve(error.message);
  });
  const channel = openChannel<ToWorker, ToControl>(child);
  channel.onMessage(onMessage);
  for (const stream of ["stdout", "stderr"] as const) {
    const output = child[stream];
    // Without open files there are no streams.
    if (output) readOutputLines(output, (line) => onLine(stream, line));
  }
  return {
    pid: child.pid ?? 0,
    send: (message) => channel.send(message),
    kill: () => child.kill("SIGKILL"),
    exited: exited.promise,
  };
}

const neverStarted = (reason: string): WorkerProcess => ({
  pid: 0,
  send: () => false,
  kill: () => undefined,
  exited: Promise.resolve(reason),
});
