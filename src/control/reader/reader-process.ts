import { spawn, type ChildProcess } from "node:child_process";
import { encodeFrame, FrameDecoder, type Frame } from "./frames.ts";
import type { ReaderCommand } from "./reader-command.ts";

const MAX_STDERR_CHARACTERS = 4_096;

/** The work was not done within its deadline; the process has been killed. */
export class DeadlineError extends Error {
  override readonly name = "DeadlineError";
}

/** The process ended, or what it wrote was no answer. The message says so in a sentence. */
export class ReaderEndedError extends Error {
  override readonly name = "ReaderEndedError";
}

interface Request {
  readonly timer: NodeJS.Timeout;
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

  /** Rejects with DeadlineError, ReaderEndedError, or RangeError where there is too much to send. */
  run(head: unknown, parts: readonly Uint8Array[], deadlineMs: number): Promise<Frame> {
    const chunks = encodeFrame(head, parts);
    this.#holdEventLoop(true);
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => this.#miss(deadlineMs), deadlineMs);
      this.#request = { timer, resolve, reject };
      if (this.#hasEnded) this.#fail(new ReaderEndedError("The process that reads it has ended."));
      else for (const chunk of chunks) this.#child.stdin?.write(chunk);
    });
  }

  kill(): void {
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

  #miss(deadlineMs: number): void {
    this.kill();
    this.#fail(new DeadlineError(`Reading it took longer than ${deadlineMs / 1_000} s.`));
  }

  #fail(error: Error): void {
    this.#settle()?.reject(error);
  }

  #settle(): Request | undefined {
    const request = this.#request;
    if (request === undefined) return undefined;
    clearTimeout(request.timer);
    this.#request = undefined;
    this.#holdEventLoop(false);
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
