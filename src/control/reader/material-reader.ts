import type { Problem } from "#model/failure.ts";
import type { Position } from "#model/problem.ts";
import { PROOF_MS } from "#protocol/proof-socket.ts";
import type { Job, Replies } from "./jobs.ts";
import type { ReaderCommand } from "./reader-command.ts";
import {
  NotReachedError,
  ReaderEndedError,
  ReaderProcess,
  SharedEndError,
} from "./reader-process.ts";
import { tryOutcome } from "./try-outcome.ts";

const DEADLINE_MS = 5_000;
/** The deadline for a whole document, which may be large. */
const DOCUMENT_DEADLINE_MS = 20_000;
/** The deadline for a document that is stored. It has been served before, and a start must not fail because the machine is slow. */
const STORED_DEADLINE_MS = 120_000;
/** A process that has had no job for this long is ended, because certificates are seldom renewed. */
const IDLE_MS = 5_000;
/** Another process is started after this many jobs in a row, while `CROWD` jobs wait for each process. */
const BUSY_RUN = 256;
const CROWD = 16;
/** How many quick jobs a process has at a time, so that several are sent and answered in one call of the kernel. */
const MAX_LOAD = 64;
/** A job with larger files may take long. */
const MAX_QUICK_BYTES = 64 * 1024;

/** The files were refused. The first problem is the reason; the others are warnings. */
export class MaterialRefusedError extends Error {
  override readonly name = "MaterialRefusedError";
  readonly problems: readonly Problem[];

  constructor(problems: readonly Problem[]) {
    super(problems[0]?.message ?? "");
    this.problems = problems;
  }
}

/** The document is neither YAML nor JSON. */
export class DocumentSyntaxError extends Error {
  override readonly name = "DocumentSyntaxError";
  /** Undefined if the problem concerns the whole document. */
  readonly position: Position | undefined;

  constructor(message: string, position: Position | undefined) {
    super(message);
    this.position = position;
  }
}

export interface ReadMaterial<Kind extends Job["kind"]> {
  readonly reply: Replies[Kind];
  readonly parts: readonly Buffer[];
}

interface Waiting {
  readonly job: Job;
  /** Whether a process does this job without others, because it may take long, or because a process may have ended because of it. */
  readonly isAlone: boolean;
  /** Whether a process has ended while it did this job alone. */
  readonly isRetry: boolean;
  readonly files: readonly Uint8Array[];
  resolve(read: ReadMaterial<Job["kind"]>): void;
  reject(error: unknown): void;
}

export interface MaterialReaderOptions {
  readonly command: ReaderCommand;
  /** The largest number of processes. One of them is left for jobs that do not take long. */
  readonly size: number;
  /** How many processes may work at the same time on jobs that do not take long. Default: `size`. */
  readonly crowdSize?: number;
  readonly deadlineMs?: number;
  /** Called with every unexpected exception, whether it was thrown here or in a process. */
  onFault(error: unknown): void;
}

/**
 * Parses files that may have been made to take long, such as a key that is encrypted with a billion iterations. It does so in
 * processes of their own, because only a process can be stopped inside OpenSSL, and because the event loop must not wait. A
 * process does one job after the other, and is killed if a job misses its deadline. Of jobs that should be quick, it has many at a time.
 * If it ends meanwhile, each of these jobs is done again alone, so that a hostile file spoils no other. The contents of files go through
 * pipes only.
 */
export class MaterialReader {
  readonly #command: ReaderCommand;
  readonly #size: number;
  readonly #crowdSize: number;
  readonly #deadlineMs: number | undefined;
  #onFault: MaterialReaderOptions["onFault"];
  readonly #waiting: Waiting[] = [];
  readonly #processes = new Set<ReaderProcess>();
  /** The processes that do a job alone, or have a job that takes long. */
  readonly #slow = new Set<ReaderProcess>();
  /** How many jobs with foreign files are done alone. */
  #doubtful = 0;
  #idleTimer: NodeJS.Timeout | undefined;
  /** How many jobs have ended since no job waited. */
  #inARow = 0;
  #staysReady = false;
  /** Whether there was a job since the processes were last ended for lack of work. */
  #hasWorked = false;
  #isClosed = false;

  constructor(options: MaterialReaderOptions) {
    this.#command = options.command;
    this.#size = options.size;
    this.#crowdSize = options.crowdSize ?? options.size;
    this.#onFault = options.onFault.bind(options);
    this.#deadlineMs = options.deadlineMs;
  }

  /** Starts a process before a job, so that the job need not wait for the start. */
  warmUp(): void {
    if (this.#processes.size > 0 || this.#isClosed) return;
    this.#start();
    this.#endIdle();
  }

  /** Whether a process is ready for the next job even if there was none for long. By default, there is none then. */
  stayReady(isWanted: boolean): void {
    this.#staysReady = isWanted;
    // The process starts when there is nothing else to do, and so not during the start of a director.
    if (this.#processes.size === 0) this.#hasWorked = true;
    this.#endIdle();
  }

  /**
   * Rejects with MaterialRefusedError, DocumentSyntaxError, DeadlineError or ReaderEndedError, or with another error if the
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
        isAlone: !isQuick(job, files),
        isRetry: false,
        // `replyOf` has checked that the reply fits a job of this kind.
        resolve: (read) => resolve(read as ReadMaterial<Kind>),
        reject,
      });
      this.#assign();
    });
  }

  /** Replaces the handler that the reader was started with. */
  tellFaultsTo(onFault: (error: unknown) => void): void {
    this.#onFault = onFault;
  }

  /** Reports an unexpected exception of a caller, before or after it has read something. */
  tellFault(error: unknown): void {
    this.#onFault(error);
  }

  /** Ends the processes; the next job starts another. Resolves when they have ended. Jobs that they had are done again. */
  async rest(): Promise<void> {
    clearTimeout(this.#idleTimer);
    const processes = [...this.#processes];
    for (const child of processes) this.#end(child);
    await Promise.all(processes.map(({ ended }) => ended));
  }

  /** Ends the processes for good. Jobs that they had and jobs that wait are rejected with ReaderEndedError. */
  close(): Promise<void> {
    this.#isClosed = true;
    for (const waiting of this.#waiting.splice(0)) waiting.reject(closed());
    return this.rest();
  }

  #assign(): void {
    for (;;) {
      const child = this.#leastLoaded();
      if (child === undefined) break;
      const next = this.#takeFor(child);
      if (next === undefined) break;
      this.#work(child, next).catch((error: unknown) => next.reject(error));
    }
    if (this.#needsProcess()) {
      this.#start();
      this.#assign();
    }
  }

  #needsProcess(): boolean {
    const [next] = this.#waiting;
    if (next === undefined || this.#processes.size >= this.#size) return false;
    const quick = this.#processes.size - this.#slow.size;
    if (quick <= 0 || (next.job.kind === "import" && this.#mayTake(next))) return true;
    const isCrowd = this.#inARow >= BUSY_RUN && this.#waiting.length >= CROWD * quick;
    return isCrowd && quick < this.#crowdSize;
  }

  /** Removes and returns the first job that the process may be given. */
  #takeFor({ load }: ReaderProcess): Waiting | undefined {
    const at = this.#waiting.findIndex((waiting) => this.#mayTake(waiting));
    const isFree = load === 0 || this.#waiting[at]?.isAlone === false;
    return at === -1 || !isFree ? undefined : this.#waiting.splice(at, 1)[0];
  }

  /** One process is left for other jobs, so that neither an import nor a file that is watched waits for a hostile one. */
  #mayTake(waiting: Waiting): boolean {
    return !isDoubtful(waiting) || this.#doubtful < Math.max(1, this.#size - 1);
  }

  /** Returns the process with the fewest jobs, or undefined if each has as many as it may have. A slow one may have one. */
  #leastLoaded(): ReaderProcess | undefined {
    let found: ReaderProcess | undefined;
    for (const child of this.#processes) {
      const isFree = child.load < (this.#slow.has(child) ? 1 : MAX_LOAD);
      if (isFree && child.load < (found?.load ?? MAX_LOAD)) found = child;
    }
    return found;
  }

  #start(): void {
    const child: ReaderProcess = new ReaderProcess(this.#command, () => {
      this.#slow.add(child);
      this.#assign();
    });
    this.#processes.add(child);
    clearTimeout(this.#idleTimer);
  }

  #end(child: ReaderProcess): void {
    this.#processes.delete(child);
    child.kill();
  }

  async #work(child: ReaderProcess, waiting: Waiting): Promise<void> {
    const { job, files, isAlone, isRetry } = waiting;
    const doubtful = isDoubtful(waiting) ? 1 : 0;
    this.#doubtful += doubtful;
    if (isAlone) this.#slow.add(child);
    this.#hasWorked = true;
    try {
      const { head, parts } = await child.run(job, files, this.#deadlineMs ?? deadlineOf(job));
      waiting.resolve({ reply: replyOf(job.kind, head), parts });
    } catch (error) {
      if (!isAnswer(error)) this.#end(child);
      if (this.#isClosed) waiting.reject(closed());
      else if (error instanceof NotReachedError) this.#waiting.unshift(waiting);
      else if (error instanceof SharedEndError) this.#waiting.push({ ...waiting, isAlone: true });
      else if (error instanceof ReaderEndedError && !isRetry) {
        this.#waiting.push({ ...waiting, isAlone: true, isRetry: true });
      } else {
        waiting.reject(error);
      }
    } finally {
      this.#slow.delete(child);
      this.#doubtful -= doubtful;
      this.#inARow = this.#waiting.length === 0 ? 0 : this.#inARow + 1;
      this.#assign();
      if (this.#waiting.length === 0 && child.load === 0) this.#endIdle();
    }
  }

  #endIdle(): void {
    clearTimeout(this.#idleTimer);
    this.#idleTimer = setTimeout(() => {
      // A fresh process takes less memory than one that has read ten thousand certificates.
      if (this.#staysReady && !this.#hasWorked) return;
      for (const child of this.#processes) if (child.load === 0) this.#end(child);
      this.#hasWorked = false;
      if (this.#staysReady) this.warmUp();
    }, IDLE_MS).unref();
  }
}

/** Jobs of this kind take less than a millisecond, unless a file is hostile. */
const QUICK_JOBS: readonly Job["kind"][] = ["certificate", "trust", "trial"];

function isQuick(job: Job, files: readonly Uint8Array[]): boolean {
  const isEncrypted = job.kind === "certificate" && job.has.passphrase;
  const bytes = files.reduce((sum, { length }) => sum + length, 0);
  return QUICK_JOBS.includes(job.kind) && !isEncrypted && bytes <= MAX_QUICK_BYTES;
}

/** Returns true if the job may keep its process busy until the deadline because of a hostile file. */
const isDoubtful = ({ job, isAlone }: Waiting): boolean =>
  isAlone && (job.kind === "import" || QUICK_JOBS.includes(job.kind));

/** The jobs that read a whole document. */
const DOCUMENT_JOBS: readonly Job["kind"][] = ["document", "places", "json"];

function deadlineOf(job: Job): number {
  if (job.kind === "proof") return PROOF_MS;
  if (job.kind === "document" && job.format === "stored") return STORED_DEADLINE_MS;
  return DOCUMENT_JOBS.includes(job.kind) ? DOCUMENT_DEADLINE_MS : DEADLINE_MS;
}

const closed = (): ReaderEndedError =>
  new ReaderEndedError("The director is stopping and reads no more files.");

/** Throws ReaderEndedError if the answer does not fit a job of this kind. The caller then ends the process. */
function replyOf(kind: Job["kind"], head: unknown): Replies[Job["kind"]] {
  const outcome = tryOutcome(kind, head);
  if (outcome === undefined) {
    throw new ReaderEndedError(
      "The reader process sent an answer that does not match the request.",
    );
  }
  if ("refused" in outcome) throw new MaterialRefusedError(outcome.refused);
  if ("unreadable" in outcome) {
    const { unreadable, line, column } = outcome;
    const isPlaced = line !== undefined && column !== undefined;
    throw new DocumentSyntaxError(unreadable, isPlaced ? { line, column } : undefined);
  }
  if ("fault" in outcome) throw faultOf(outcome.fault);
  return outcome.reply;
}

/** Returns true if the process can do further jobs after this error. */
const isAnswer = (error: unknown): boolean =>
  error instanceof MaterialRefusedError ||
  error instanceof DocumentSyntaxError ||
  (error instanceof Error && error.name === FAULT);

const FAULT = "ReaderFault";

/** Returns the exception that was thrown in the other process, with its stack. */
function faultOf(stack: string): Error {
  const error = new Error(stack.split("\n", 1)[0]);
  error.name = FAULT;
  error.stack = stack;
  return error;
}
