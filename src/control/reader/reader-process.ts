import { spawn, type ChildProcess } from "node:child_process";
import { encodeFrame, FrameDecoder, type Frame } from "./frames.ts";
import { tryProcessTimeMs } from "./process-time.ts";
import type { ReaderCommand } from "./reader-command.ts";

const MAX_STDERR_CHARACTERS = 4_096;
/** On a machine that is busy, a process gets this many times its deadline until it has had the time for its work. */
const MAX_STRETCH = 6;
const MIN_WAIT_MS = 100;

/** The work was not done within its deadline; the process has been killed. */
export class DeadlineError extends Error {
  override readonly name = "DeadlineError";
}

/** The process ended, or what it wrote was no answer. The message says so in a sentence. */
export class ReaderEndedError extends Error {
  override readonly name = "ReaderEndedError";
}

interface Request {
  readonly deadlineMs: number;
  readonly startedAtMs: number;
  /** Processor time of the process when it got the work. */
  readonly usedMs: number;
  timer: NodeJS.Timeout;
  resolve(frame: Frame): void;
  reject(error: Error): void;
}

/** One process that reads foreign material, a job at a time. */
export class ReaderProcess {
  /** Resolves when the process is gone. */
  readonly ended: Promise<void>;
  readonly #child: ChildProcess;
  readonly #decoder = new FrameDecoder();
  #request: Request | undefined;
  #lastWords = "";
  #hasEnded = false;

  constructor(command: ReaderCommand) {
    const child = spawn(command.file, command.args, {
      env: command.env,
      cwd: "/",
      stdio: ["pipe", "pipe", "pipe"],
      // Out of the terminal's process group: Ctrl-C is for the control process.
      detached: true,
    });
    this.#child = child;
    const ended = Promise.withResolvers<void>();
    this.ended = ended.promise;
    const end = (how: string): void => {
      this.#hasEnded = true;
      ended.resolve();
      this.#fail(
        new ReaderEndedError(`The process that reads it ended with ${how}.`, this.#cause()),
      );
    };
    child.once("close", (code, signal) => end(signal ?? `exit code ${code ?? "unknown"}`));
    // Only where it never started is there nothing that would close.
    child.once("error", (error) => {
      if (child.pid === undefined) end(`${error.message} when it was started`);
    });
    // The pipe of a process that ends may break; its end is told by `close`.
    child.stdin.on("error", () => undefined);
    child.stdout.on("error", () => undefined);
    child.stdout.on("data", (chunk: Buffer) => this.#hear(chunk));
    child.stderr.setEncoding("utf8").on("data", (text: string) => {
      this.#lastWords = (this.#lastWords + text).slice(-MAX_STDERR_CHARACTERS);
    });
    child.stderr.on("error", () => undefined);
    this.#holdEventLoop(false);
  }

  get isBusy(): boolean {
    return this.#request !== undefined;
  }

  get hasEnded(): boolean {
    return this.#hasEnded;
  }

  /** The deadline is one of processor time, up to six times that. Rejects with DeadlineError, ReaderEndedError, or RangeError where there is too much to send. */
  run(head: unknown, parts: readonly Uint8Array[], deadlineMs: number): Promise<Frame> {
    const chunks = encodeFrame(head, parts);
    this.#holdEventLoop(true);
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => this.#look(), deadlineMs);
      const usedMs = this.#processTimeMs() ?? 0;
      const startedAtMs = performance.now();
      this.#request = { deadlineMs, startedAtMs, usedMs, timer, resolve, reject };
      if (this.#hasEnded) this.#fail(new ReaderEndedError("The process that reads it has ended."));
      else for (const chunk of chunks) this.#child.stdin?.write(chunk);
    });
  }

  kill(): void {
    // Who waits for its end is to hear of it.
    if (!this.#hasEnded) this.#holdEventLoop(true);
    this.#child.kill("SIGKILL");
  }

  #hear(chunk: Buffer): void {
    try {
      for (const frame of this.#decoder.push(chunk)) {
        const request = this.#settle();
        if (request === undefined) throw new RangeError("An answer to nothing.");
        request.resolve(frame);
      }
    } catch (cause) {
      this.#fail(new ReaderEndedError("The process that reads it gave no answer.", { cause }));
      this.kill();
    }
  }

  #look(): void {
    const request = this.#request;
    if (request === undefined) return;
    const { deadlineMs, startedAtMs, usedMs } = request;
    const leftMs = deadlineMs - ((this.#processTimeMs() ?? Infinity) - usedMs);
    const untilEndMs = startedAtMs + deadlineMs * MAX_STRETCH - performance.now();
    if (leftMs > 0 && untilEndMs > 0) {
      request.timer = setTimeout(() => this.#look(), Math.max(MIN_WAIT_MS, leftMs));
      return;
    }
    this.kill();
    this.#fail(new DeadlineError(`Reading it took longer than ${deadlineMs / 1_000} s.`));
  }

  #processTimeMs(): number | undefined {
    return this.#child.pid === undefined ? undefined : tryProcessTimeMs(this.#child.pid);
  }

  #fail(error: Error): void {
    this.#settle()?.reject(error);
  }

  #settle(): Request | undefined {
    const request = this.#request;
    if (request === undefined) return undefined;
    clearTimeout(request.timer);
    this.#request = undefined;
    if (!this.#child.killed) this.#holdEventLoop(false);
    return request;
  }

  #cause(): { readonly cause?: Error } {
    return this.#lastWords === "" ? {} : { cause: new Error(this.#lastWords.trim()) };
  }

  /** A process that waits for work keeps nobody from ending. */
  #holdEventLoop(isHeld: boolean): void {
    const { stdin, stdout, stderr } = this.#child;
    for (const part of [this.#child, stdin, stdout, stderr]) {
      // The streams are sockets, which the types do not say.
      const held = part as { ref?: () => void; unref?: () => void } | null;
      if (isHeld) held?.ref?.();
      else held?.unref?.();
    }
  }
}
