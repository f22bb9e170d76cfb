import { spawn, type ChildProcess } from "node:child_process";
import { encodeFrame, FrameDecoder, type Frame } from "#protocol/job-frames.ts";
import { tryProcessTimeMs } from "../process-facts.ts";
import type { ReaderCommand } from "./reader-command.ts";

const MAX_STDERR_CHARACTERS = 4_096;
/**
 * The deadline is measured in processor time. On a busy machine it may take up to this many times as long on the clock.
 */
const MAX_STRETCH = 6;
const MIN_WAIT_MS = 100;
/** What V8 says before it aborts. */
const OUT_OF_MEMORY = "heap out of memory";
/** How often the processor time is read, and for how long the process may use none before it counts as hung. */
const LOOK_MS = 5_000;
const HUNG_MS = 10_000;
/** While a request takes longer than this, other requests should get another process. */
const SLOW_MS = 250;
/** For how long a measured processor time is used again. */
const TIME_KEPT_MS = 1_000;

/** The process did not finish the work within its deadline, and was killed. */
export class DeadlineError extends Error {
  override readonly name = "DeadlineError";
}

/** The process ended, or its output was not an answer. The message says which in a sentence. */
export class ReaderEndedError extends Error {
  override readonly name = "ReaderEndedError";
}

/** The process ended before it was given this work. */
export class NotReachedError extends Error {
  override readonly name = "NotReachedError";
}

/** The process ended while it had several requests, and each of them may be the reason. */
export class SharedEndError extends Error {
  override readonly name = "SharedEndError";
}

interface Request {
  readonly deadlineMs: number;
  resolve(frame: Frame): void;
  reject(error: Error): void;
}

/** The request that the process works on, when it began, and how much processor time the process had used by then. */
interface Turn {
  readonly deadlineMs: number;
  readonly startedAtMs: number;
  readonly usedMs: number;
  /** When the process was last seen to have used processor time, and how much by then. */
  progress: { readonly atMs: number; readonly usedMs: number };
  timer: NodeJS.Timeout;
}

/**
 * A process that reads foreign material. It does one request at a time, and the next ones wait in its pipe. It may keep an answer for a
 * moment, to send it with the next ones.
 */
export class ReaderProcess {
  /** Resolves when the process has ended. */
  readonly ended: Promise<void>;
  /** Undefined if the process could not be started. */
  readonly #child: ChildProcess | undefined;
  readonly #decoder = new FrameDecoder();
  readonly #requests: Request[] = [];
  readonly #onSlow: () => void;
  #turn: Turn | undefined;
  #lastTime = { atMs: performance.now(), usedMs: 0 };
  #lastWords = "";
  #hasEnded = false;

  /** `onSlow` is called when a request takes long. */
  constructor(command: ReaderCommand, onSlow: () => void) {
    this.#onSlow = onSlow;
    const ended = Promise.withResolvers<void>();
    this.ended = ended.promise;
    const end = (how: string): void => {
      this.#hasEnded = true;
      ended.resolve();
      const text = this.#lastWords.includes(OUT_OF_MEMORY)
        ? "The reader process ran out of memory."
        : `The reader process ended with ${how}.`;
      this.#fail(new ReaderEndedError(text, this.#cause()));
    };
    const onError = (error: Error): void => end(`${error.message} when it was started`);
    this.#child = trySpawn(command, onError);
    if (this.#child === undefined) return;
    const { stdin, stdout, stderr } = this.#child;
    this.#child.once("close", (code, signal) => end(signal ?? `exit code ${code ?? "unknown"}`));
    // The pipe of a process that ends may break. The event `close` reports the end.
    stdin?.on("error", () => undefined);
    stdout?.on("error", () => undefined);
    stdout?.on("data", (chunk: Buffer) => this.#hear(chunk));
    stderr?.setEncoding("utf8").on("data", (text: string) => {
      this.#lastWords = (this.#lastWords + text).slice(-MAX_STDERR_CHARACTERS);
    });
    stderr?.on("error", () => undefined);
    this.#holdEventLoop(false);
  }

  /** The number of requests that have no answer yet. */
  get load(): number {
    return this.#requests.length;
  }

  /**
   * The deadline limits the processor time that the process may use for the request, and six times the deadline limits the
   * time on the clock. A process that uses no processor time for 10 s is ended too. All count from when the process answered the request
   * before. Rejects with DeadlineError or ReaderEndedError if the process had no other request, else with SharedEndError or
   * NotReachedError, or with RangeError if there is too much to send.
   */
  run(head: unknown, parts: readonly Uint8Array[], deadlineMs: number): Promise<Frame> {
    const chunks = encodeFrame(head, parts);
    return new Promise((resolve, reject) => {
      if (this.#hasEnded) throw new NotReachedError();
      this.#requests.push({ deadlineMs, resolve, reject });
      if (this.#turn === undefined) {
        this.#holdEventLoop(true);
        this.#takeTurn(deadlineMs);
      }
      this.#write(chunks);
    });
  }

  kill(): void {
    // Keeps the event loop alive until the process has ended, for callers that await `ended`.
    if (!this.#hasEnded) this.#holdEventLoop(true);
    this.#child?.kill("SIGKILL");
  }

  #hear(chunk: Buffer): void {
    try {
      const frames = this.#decoder.push(chunk);
      if (frames.length > this.#requests.length) {
        throw new RangeError("An answer arrived without a request.");
      }
      if (frames.length === 0) return;
      const answered = this.#requests.splice(0, frames.length);
      this.#endTurn();
      for (const [at, request] of answered.entries()) {
        const frame = frames[at];
        if (frame !== undefined) request.resolve(frame);
      }
    } catch (cause) {
      this.#fail(new ReaderEndedError("The reader process sent an invalid answer.", { cause }));
      this.kill();
    }
  }

  /** Hands all chunks to the kernel in one call, together with those of other requests that are made now. */
  #write(chunks: readonly Uint8Array[]): void {
    const stdin = this.#child?.stdin;
    stdin?.cork();
    for (const chunk of chunks) if (chunk.length > 0) stdin?.write(chunk);
    process.nextTick(() => stdin?.uncork());
  }

  #takeTurn(deadlineMs: number): void {
    const startedAtMs = performance.now();
    const usedMs = this.#recentTimeMs(startedAtMs);
    const timer = setTimeout(() => {
      this.#lookIn(Math.min(deadlineMs, LOOK_MS) - SLOW_MS);
      this.#onSlow();
    }, SLOW_MS);
    const progress = { atMs: startedAtMs, usedMs };
    this.#turn = { deadlineMs, startedAtMs, usedMs, progress, timer };
  }

  #endTurn(): void {
    clearTimeout(this.#turn?.timer);
    this.#turn = undefined;
    const [next] = this.#requests;
    if (next !== undefined) this.#takeTurn(next.deadlineMs);
    else if (this.#child?.killed === false) this.#holdEventLoop(false);
  }

  #lookIn(ms: number): void {
    if (this.#turn !== undefined) this.#turn.timer = setTimeout(() => this.#look(), ms);
  }

  #look(): void {
    const turn = this.#turn;
    if (turn === undefined) return;
    const { deadlineMs, startedAtMs, usedMs } = turn;
    const nowMs = performance.now();
    const nowUsedMs = this.#processTimeMs() ?? Infinity;
    const leftMs = deadlineMs - (nowUsedMs - usedMs);
    const untilEndMs = startedAtMs + deadlineMs * MAX_STRETCH - nowMs;
    if (nowUsedMs > turn.progress.usedMs) turn.progress = { atMs: nowMs, usedMs: nowUsedMs };
    const isHung = nowMs - turn.progress.atMs >= HUNG_MS;
    if (leftMs > 0 && untilEndMs > 0 && !isHung) {
      this.#lookIn(Math.min(LOOK_MS, Math.max(MIN_WAIT_MS, leftMs)));
      return;
    }
    this.kill();
    const text = isHung
      ? `The reader process did nothing for ${HUNG_MS / 1_000} s.`
      : `Reading the file took longer than ${deadlineMs / 1_000} s.`;
    this.#fail(new DeadlineError(text));
  }

  /** Reads the processor time at most once a second, because most requests take a millisecond. */
  #recentTimeMs(nowMs: number): number {
    if (nowMs - this.#lastTime.atMs > TIME_KEPT_MS) {
      this.#lastTime = { atMs: nowMs, usedMs: this.#processTimeMs() ?? 0 };
    }
    return this.#lastTime.usedMs;
  }

  #processTimeMs(): number | undefined {
    const pid = this.#child?.pid;
    return pid === undefined ? undefined : tryProcessTimeMs(pid);
  }

  /** Rejects a single request with `error`. If there are several, it is not known which of them the process worked on. */
  #fail(error: Error): void {
    const failed = this.#requests.splice(0);
    this.#endTurn();
    const reason = failed.length > 1 ? new SharedEndError() : error;
    for (const request of failed) request.reject(reason);
  }

  #cause(): { readonly cause?: Error } {
    return this.#lastWords === "" ? {} : { cause: new Error(this.#lastWords.trim()) };
  }

  /** A process that waits for work must not keep the control process from exiting. */
  #holdEventLoop(isHeld: boolean): void {
    const child = this.#child;
    for (const part of [child, child?.stdin, child?.stdout, child?.stderr]) {
      // The streams are sockets, although their types do not say so.
      const held = part as { ref?: () => void; unref?: () => void } | null | undefined;
      if (isHeld) held?.ref?.();
      else held?.unref?.();
    }
  }
}

/**
 * Returns undefined and calls `onError` later if the process cannot be started. The runtime throws some of the reasons and
 * emits others as an event. If no file descriptor or process is left, the child has no streams.
 */
function trySpawn(
  command: ReaderCommand,
  onError: (error: Error) => void,
): ChildProcess | undefined {
  try {
    const child = spawn(command.file, command.args, {
      env: command.env,
      cwd: "/",
      stdio: ["pipe", "pipe", "pipe"],
      // Leaves the process group of the terminal, so that Ctrl-C reaches only the control process.
      detached: true,
    });
    if (child.pid !== undefined) return child;
    child.once("error", onError);
  } catch (error) {
    setImmediate(onError, error instanceof Error ? error : new Error(String(error)));
  }
  return undefined;
}
