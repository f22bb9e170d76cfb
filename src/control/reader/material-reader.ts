import type { Problem } from "#model/failure.ts";
import type { Job, Replies } from "./jobs.ts";
import type { ReaderCommand } from "./reader-command.ts";
import { NotReachedError, ReaderEndedError, ReaderProcess } from "./reader-process.ts";
import { tryOutcome } from "./try-outcome.ts";

const DEADLINE_MS = 5_000;
/** A reader that has had nothing to do for this long ends: renewals come seldom. */
const IDLE_MS = 5_000;
/** So many jobs in a row, with so many more that wait, are worth the start of another process. */
const BUSY_RUN = 32;
const CROWD = 4;
/** Jobs that a process has at a time, so that it need not wait for the next. */
const MAX_LOAD = 4;
/** A job that takes this long lets the others have another process. */
const SLOW_MS = 250;

/** What is wrong with the files; the first problem is the one that refuses them. */
export class MaterialRefusedError extends Error {
  override readonly name = "MaterialRefusedError";
  readonly problems: readonly Problem[];

  constructor(problems: readonly Problem[]) {
    super(problems[0]?.message ?? "");
    this.problems = problems;
  }
}

/** The document is no YAML and no JSON; the message says where. */
export class DocumentSyntaxError extends Error {
  override readonly name = "DocumentSyntaxError";
}

export interface ReadMaterial<Kind extends Job["kind"]> {
  readonly reply: Replies[Kind];
  readonly parts: readonly Buffer[];
}

interface Waiting {
  readonly job: Job;
  /** Whether a process has ended over it already. */
  readonly isRetry: boolean;
  readonly files: readonly Uint8Array[];
  resolve(read: ReadMaterial<Job["kind"]>): void;
  reject(error: unknown): void;
}

export interface MaterialReaderOptions {
  readonly command: ReaderCommand;
  /** Processes at most. */
  readonly size: number;
  readonly deadlineMs?: number;
  /** Told of every exception that nobody expected, here or in a process. */
  onFault(error: unknown): void;
}

/**
 * Reads what comes from outside and may take long by its content, such as a key that is sealed with a billion iterations:
 * in processes of its own, since nothing else can be stopped inside OpenSSL, and the event loop goes on meanwhile. A
 * process takes one job after the other, and is killed if one misses its deadline. Contents go through pipes only.
 */
export class MaterialReader {
  readonly #command: ReaderCommand;
  readonly #size: number;
  readonly #deadlineMs: number;
  #onFault: MaterialReaderOptions["onFault"];
  readonly #waiting: Waiting[] = [];
  readonly #processes = new Set<ReaderProcess>();
  /** Those whose job takes long. */
  readonly #slow = new Set<ReaderProcess>();
  #idleTimer: NodeJS.Timeout | undefined;
  /** Jobs since none waited. */
  #inARow = 0;
  #isClosed = false;

  constructor(options: MaterialReaderOptions) {
    this.#command = options.command;
    this.#size = options.size;
    this.#onFault = options.onFault.bind(options);
    this.#deadlineMs = options.deadlineMs ?? DEADLINE_MS;
  }

  /** Starts a process for the job that is about to come. */
  warmUp(): void {
    if (this.#processes.size === 0) this.#start();
  }

  /**
   * Rejects with MaterialRefusedError, DocumentSyntaxError, DeadlineError or ReaderEndedError; with any other error where the
   * program has a mistake.
   */
  read<Kind extends Job["kind"]>(
    job: Extract<Job, { readonly kind: Kind }>,
    files: readonly Uint8Array[],
  ): Promise<ReadMaterial<Kind>> {
    if (this.#isClosed) return Promise.reject(closed());
    return new Promise((resolve, reject) => {
      this.#waiting.push({
        job,
        files,
        isRetry: false,
        // `replyOf` has checked that the reply is one to a job of this kind.
        resolve: (read) => resolve(read as ReadMaterial<Kind>),
        reject,
      });
      this.#assign();
    });
  }

  /** From now on, in place of those of the start. */
  tellFaultsTo(onFault: (error: unknown) => void): void {
    this.#onFault = onFault;
  }

  /** For an exception on the way to a reading, or from it. */
  tellFault(error: unknown): void {
    this.#onFault(error);
  }

  /** Ends the processes, which come back with the next job. Resolves when they are gone; their jobs are done again. */
  async rest(): Promise<void> {
    clearTimeout(this.#idleTimer);
    const processes = [...this.#processes];
    for (const child of processes) this.#end(child);
    await Promise.all(processes.map(({ ended }) => ended));
  }

  /** Ends the processes for good. What they read, and what waits, is rejected with ReaderEndedError. */
  close(): Promise<void> {
    this.#isClosed = true;
    for (const waiting of this.#waiting.splice(0)) waiting.reject(closed());
    return this.rest();
  }

  #assign(): void {
    for (;;) {
      const child = this.#leastLoaded();
      if (child === undefined) break;
      const next = this.#waiting.shift();
      if (next === undefined) break;
      this.#work(child, next).catch((error: unknown) => next.reject(error));
    }
    const quick = this.#processes.size - this.#slow.size;
    const isCrowded =
      quick <= 0 || (this.#inARow >= BUSY_RUN && this.#waiting.length >= CROWD * quick);
    if (isCrowded && this.#waiting.length > 0 && this.#processes.size < this.#size) {
      this.#start();
      this.#assign();
    }
  }

  /** Of those that are not held up and have room in their pipe. */
  #leastLoaded(): ReaderProcess | undefined {
    let found: ReaderProcess | undefined;
    for (const child of this.#processes) {
      const isFree = child.load < (this.#slow.has(child) ? 1 : MAX_LOAD);
      if (isFree && child.load < (found?.load ?? MAX_LOAD)) found = child;
    }
    return found;
  }

  #start(): void {
    const child = new ReaderProcess(this.#command);
    this.#processes.add(child);
    clearTimeout(this.#idleTimer);
  }

  #end(child: ReaderProcess): void {
    this.#processes.delete(child);
    child.kill();
  }

  async #work(child: ReaderProcess, waiting: Waiting): Promise<void> {
    const { job, files, isRetry } = waiting;
    const slow = setTimeout(() => {
      this.#slow.add(child);
      this.#assign();
    }, SLOW_MS);
    try {
      const { head, parts } = await child.run(job, files, this.#deadlineMs);
      waiting.resolve({ reply: replyOf(job.kind, head), parts });
    } catch (error) {
      if (!isAnswer(error)) this.#end(child);
      if (this.#isClosed) waiting.reject(closed());
      else if (error instanceof NotReachedError) this.#waiting.unshift(waiting);
      else if (error instanceof ReaderEndedError && !isRetry) {
        this.#waiting.unshift({ ...waiting, isRetry: true });
      } else {
        waiting.reject(error);
      }
    } finally {
      clearTimeout(slow);
      this.#slow.delete(child);
      this.#inARow = this.#waiting.length === 0 ? 0 : this.#inARow + 1;
      this.#assign();
      this.#endIdle();
    }
  }

  #endIdle(): void {
    clearTimeout(this.#idleTimer);
    this.#idleTimer = setTimeout(() => {
      for (const child of this.#processes) if (child.load === 0) this.#end(child);
    }, IDLE_MS).unref();
  }
}

const closed = (): ReaderEndedError =>
  new ReaderEndedError("The director ends, and reads nothing more.");

/** Throws ReaderEndedError if the answer is none to a job of this kind: the process is not to be trusted with another. */
function replyOf(kind: Job["kind"], head: unknown): Replies[Job["kind"]] {
  const outcome = tryOutcome(kind, head);
  if (outcome === undefined) {
    throw new ReaderEndedError("The process that reads it gave an answer that does not fit.");
  }
  if ("refused" in outcome) throw new MaterialRefusedError(outcome.refused);
  if ("unreadable" in outcome) throw new DocumentSyntaxError(outcome.unreadable);
  if ("fault" in outcome) throw faultOf(outcome.fault);
  return outcome.reply;
}

/** Whether the process lives on after it. */
const isAnswer = (error: unknown): boolean =>
  error instanceof MaterialRefusedError ||
  error instanceof DocumentSyntaxError ||
  (error instanceof Error && error.name === FAULT);

const FAULT = "ReaderFault";

/** An exception that the other process did not expect, with its stack. */
function faultOf(stack: string): Error {
  const error = new Error(stack.split("\n", 1)[0]);
  error.name = FAULT;
  error.stack = stack;
  return error;
}
