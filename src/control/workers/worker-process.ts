import { spawn, type ChildProcess } from "node:child_process";
import { Socket } from "node:net";
import { LIMITS_OF_CONTROL } from "#protocol/channel-limits.ts";
import { Channel, type ChannelHandlers, type SendOutcome } from "#protocol/channel.ts";
import { boundedMessagesOf, type BoundedMessage } from "#protocol/bounded-messages.ts";
import type { Unsent } from "#protocol/messages.ts";
import { openStreamPipe } from "#protocol/stream-pipe.ts";
import { WORKER_PIPE_FD } from "#protocol/worker-pipe.ts";
import { readOutputLines } from "./output-lines.ts";
import { tryWorkerCgroup, type WorkerCgroup } from "./worker-cgroup.ts";
import type { WorkerCommand } from "./worker-command.ts";

/** How long to read what an ended worker has sent. A process that it left behind may hold its pipes open for ever. */
const REST_MS = 250;

const OUTPUT_STREAMS = ["stdout", "stderr"] as const;
type OutputStream = (typeof OUTPUT_STREAMS)[number];

export interface WorkerProcessHandlers extends ChannelHandlers {
  /** Called with each frame of access lines, which are not checked and valid only until the call returns. */
  onLines(lines: Buffer): void;
  onLine(stream: OutputStream, line: string): void;
  /** Called with the number of bytes that the process has printed. */
  onPrinted(bytes: number): void;
}

/** A process of the operating system, with a channel to it. */
export interface WorkerProcess {
  /** 0 if it could not be started. */
  readonly pid: number;
  send(message: Unsent): SendOutcome;
  /** Sends a message of any length. While its parts wait to be taken, others may be sent. */
  sendLarge(message: Unsent): Promise<SendOutcome>;
  /** Kills the process, its process group and its control group at once, and reads nothing more from it. */
  kill(): void;
  /** Resolves when the process has ended and its descriptors are closed, to `exit code 1` or `signal SIGKILL` for example. */
  readonly exited: Promise<string>;
}

/** Never throws. If the process cannot be started, `exited` resolves to the reason. */
export function startWorkerProcess(
  command: WorkerCommand,
  handlers: WorkerProcessHandlers,
): WorkerProcess {
  let child: ChildProcess;
  try {
    child = spawn(command.file, command.args, {
      env: command.env,
      cwd: command.cwd,
      stdio: ["ignore", "pipe", "pipe", "pipe"],
      // Makes a process group of its own. Ctrl-C then reaches only the control process, which drains its workers, and
      // processes that a worker forks can be killed together with it.
      detached: true,
    });
  } catch (error) {
    return notStarted(String(error));
  }
  const { pid } = child;
  // If no file descriptor or process was left, there are no streams. The event `error` follows with the reason.
  const pipe = child.stdio?.[WORKER_PIPE_FD];
  if (pid === undefined || !(pipe instanceof Socket)) return failedStart(child);
  const { cgroup } = command;
  const ownCgroup = cgroup === undefined ? undefined : tryWorkerCgroup(cgroup, pid);
  return new StartedProcess(child, pid, pipe, ownCgroup, handlers);
}

const notStarted = (reason: string | Promise<string>): WorkerProcess => ({
  pid: 0,
  send: () => "closed",
  sendLarge: () => Promise.resolve("closed"),
  kill: () => undefined,
  exited: Promise.resolve(reason),
});

function failedStart(child: ChildProcess): WorkerProcess {
  const { promise, resolve } = Promise.withResolvers<string>();
  child.once("error", (error) => resolve(error.message));
  child.once("exit", () => resolve("It ended before its channel was open."));
  child.kill("SIGKILL");
  return notStarted(promise);
}

class StartedProcess implements WorkerProcess {
  readonly pid: number;
  readonly exited: Promise<string>;
  readonly #child: ChildProcess;
  readonly #channel: Channel<BoundedMessage>;
  readonly #cgroup: WorkerCgroup | undefined;
  #isOver = false;

  constructor(
    child: ChildProcess,
    pid: number,
    pipe: Socket,
    cgroup: WorkerCgroup | undefined,
    handlers: WorkerProcessHandlers,
  ) {
    this.pid = pid;
    this.#cgroup = cgroup;
    this.#child = child;
    const pipeClosed = Promise.withResolvers<void>();
    this.#channel = new Channel<BoundedMessage>(LIMITS_OF_CONTROL, {
      onMessage: (message, bytes) => handlers.onMessage(message, bytes),
      onLines: (lines) => handlers.onLines(lines),
      onMalformed: (text) => handlers.onMalformed(text),
      onClose: () => {
        pipeClosed.resolve();
        handlers.onClose();
      },
    });
    this.#channel.attach(openStreamPipe(pipe, this.#channel));
    const outputsClosed = OUTPUT_STREAMS.map((stream) => this.#readOutput(stream, handlers));
    // Emitted for example if the process could not be signalled.
    child.on("error", () => undefined);
    this.exited = this.#untilOver([pipeClosed.promise, ...outputsClosed]);
  }

  async #untilOver(closed: readonly Promise<void>[]): Promise<string> {
    const { promise, resolve } = Promise.withResolvers<string>();
    this.#child.once("exit", (code, signal) => {
      // Processes that it has forked are still there, and keep the number of the group from being reused.
      this.#killGroup();
      this.#isOver = true;
      resolve(signal === null ? `exit code ${code ?? "unknown"}` : `signal ${signal}`);
    });
    const exit = await promise;
    const rest = setTimeout(() => this.#closeAll(), REST_MS);
    await Promise.all([...closed, this.#cgroup?.remove()]);
    clearTimeout(rest);
    return exit;
  }

  /** Resolves when the stream is closed. */
  #readOutput(stream: OutputStream, handlers: WorkerProcessHandlers): Promise<void> {
    const output = this.#child[stream];
    if (output === null) return Promise.resolve();
    const { promise, resolve } = Promise.withResolvers<void>();
    output.once("close", resolve);
    output.on("data", (text: string) => handlers.onPrinted(text.length));
    readOutputLines(output, (line) => handlers.onLine(stream, line));
    return promise;
  }

  send(message: Unsent): SendOutcome {
    for (const bounded of boundedMessagesOf(message)) {
      const outcome = this.#channel.send(bounded);
      if (outcome !== "sent") return outcome;
    }
    return "sent";
  }

  async sendLarge(message: Unsent): Promise<SendOutcome> {
    for (const bounded of boundedMessagesOf(message)) {
      const outcome = this.#channel.send(bounded);
      if (outcome !== "sent") return outcome;
      // The parts are sequential, so that few of them wait in memory at a time.
      // oxlint-disable-next-line no-await-in-loop
      await this.#channel.untilDrained();
    }
    return "sent";
  }

  kill(): void {
    this.#killGroup();
    this.#channel.close();
  }

  #killGroup(): void {
    // The process id may have been reused by then.
    if (this.#isOver) return;
    this.#cgroup?.kill();
    try {
      process.kill(-this.pid, "SIGKILL");
    } catch {
      // No process of the group is left.
    }
  }

  #closeAll(): void {
    this.#channel.close();
    for (const stream of OUTPUT_STREAMS) this.#child[stream]?.destroy();
  }
}
