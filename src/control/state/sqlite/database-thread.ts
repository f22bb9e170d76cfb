import { extname, resolve } from "node:path";
import { Worker } from "node:worker_threads";
import { DirectorError } from "#model/failure.ts";
import type { Reply, Request } from "./requests.ts";
import { sentenceOf, type StateFileOptions } from "./state-file.ts";

/** The program runs as it is written, and as JavaScript in an installed package. */
const ENTRY = resolve(import.meta.dirname, `thread${extname(import.meta.filename)}`);
const MAX_WAITING = 256;
const CLOSE_MS = 5_000;

export interface ThreadOptions extends StateFileOptions {
  /** How long a request may take, including its time in the queue. */
  readonly deadlineMs: number;
  readonly onConverted: (revisions: number, durationMs: number) => void;
}

export type Done = Extract<Reply, { readonly kind: "done" }>;

interface Waiting {
  readonly request: Request;
  readonly outcome: PromiseWithResolvers<Done>;
  readonly timer: NodeJS.Timeout;
}

/**
 * Runs the thread of the database and sends it one request at a time, so that a request whose deadline has passed in the queue
 * is never carried out. A thread that has ended is started again for the next request.
 */
export class DatabaseThread {
  readonly #options: ThreadOptions;
  readonly #waiting: Waiting[] = [];
  #worker: Worker | undefined;
  #sent: Waiting | undefined;
  #isClosed = false;

  constructor(options: ThreadOptions) {
    this.#options = options;
  }

  /** Rejects with DirectorError. At the deadline it is `state-unwritable`, and a request may still be carried out. */
  call(request: Request): Promise<Done> {
    if (this.#isClosed) return Promise.reject(unwritable("The store is closed."));
    return this.#enqueue(request, this.#options.deadlineMs);
  }

  async close(): Promise<void> {
    if (this.#isClosed) return;
    this.#isClosed = true;
    try {
      await this.#enqueue({ name: "close", args: [] }, CLOSE_MS);
    } catch {
      // What was acknowledged is in the log of the database, and the next start reads it.
    }
    const worker = this.#worker;
    if (worker === undefined) return;
    if (this.#sent === undefined) {
      worker.ref();
      await worker.terminate();
    } else {
      // The thread waits for the disk, and ends when the disk has answered.
      worker.unref();
      worker.terminate().catch(() => undefined);
    }
  }

  #enqueue(request: Request, deadlineMs: number): Promise<Done> {
    if (this.#waiting.length >= MAX_WAITING) {
      return Promise.reject(unwritable("Too many requests wait for the database."));
    }
    const outcome = Promise.withResolvers<Done>();
    const timer = setTimeout(() => {
      const at = this.#waiting.indexOf(waiting);
      if (at !== -1) this.#waiting.splice(at, 1);
      outcome.reject(unwritable(`The database did not answer within ${deadlineMs} ms.`));
    }, deadlineMs);
    const waiting: Waiting = { request, outcome, timer };
    this.#waiting.push(waiting);
    this.#sendNext();
    return outcome.promise;
  }

  #sendNext(): void {
    if (this.#sent !== undefined) return;
    this.#sent = this.#waiting.shift();
    if (this.#sent === undefined) {
      this.#worker?.unref();
      return;
    }
    this.#worker ??= this.#start();
    this.#worker.ref();
    // A thread has no origin.
    // oxlint-disable-next-line unicorn/require-post-message-target-origin
    this.#worker.postMessage(this.#sent.request);
  }

  #start(): Worker {
    const { folder, runtimeFolder, program } = this.#options;
    const workerData: StateFileOptions = { folder, runtimeFolder, program };
    const worker = new Worker(ENTRY, { workerData, name: "state" });
    let reason = "It was terminated.";
    worker.on("error", (error) => {
      reason = sentenceOf(error);
    });
    worker.on("message", (reply: Reply) => this.#receive(reply));
    worker.once("exit", () => {
      if (this.#worker === worker) this.#worker = undefined;
      this.#settle({
        kind: "failed",
        code: "state-unwritable",
        detail: `The thread of the database ended. ${reason}`,
      });
    });
    return worker;
  }

  #receive(reply: Reply): void {
    if (reply.kind === "converted") this.#options.onConverted(reply.revisions, reply.durationMs);
    else this.#settle(reply);
  }

  #settle(reply: Exclude<Reply, { readonly kind: "converted" }>): void {
    const settled = this.#sent;
    this.#sent = undefined;
    if (settled !== undefined) {
      clearTimeout(settled.timer);
      if (reply.kind === "done") settled.outcome.resolve(reply);
      else settled.outcome.reject(new DirectorError(reply.code, reply.detail));
    }
    this.#sendNext();
  }
}

const unwritable = (detail: string): DirectorError => new DirectorError("state-unwritable", detail);
