/** The thread in which SQLite works, because each fsync holds the thread that calls it. */
import type { DatabaseSync } from "node:sqlite";
import { isMainThread, parentPort, workerData } from "node:worker_threads";
import { DirectorError } from "#model/failure.ts";
import type { Reply, Request } from "./requests.ts";
import { sentenceOf, StateFile, type StateFileOptions } from "./state-file.ts";
import { READS, WRITES } from "./statements.ts";

type Use = (database: DatabaseSync, ...args: readonly unknown[]) => unknown;

const reads: Readonly<Record<string, unknown>> = READS;
const writes: Readonly<Record<string, unknown>> = WRITES;

function replyTo(file: StateFile, { name, args }: Request): Reply {
  try {
    if (name === "close") return { kind: "done", value: file.close() };
    // The caller wants the id of the database that it will write to.
    if (name === "id") file.closeReadable();
    if (Object.hasOwn(reads, name)) {
      const read = reads[name] as Use;
      return { kind: "done", ...file.read((database) => read(database, ...args)) };
    }
    const write = writes[name] as Use;
    return { kind: "done", value: file.write((database) => write(database, ...args)) };
  } catch (error) {
    const isNamed = error instanceof DirectorError;
    const code = isNamed ? error.code : "state-unwritable";
    const sentence = isNamed ? (error.detail ?? "") : sentenceOf(error);
    return { kind: "failed", code, detail: `${file.path}: ${sentence}` };
  }
}

/** How long no request must have come before a row is converted, because requests come in groups. */
const IDLE_MS = 20;
/** A row is converted at least this often, however many requests come. */
const MAX_PAUSE_MS = 1_000;

/** Converts rows of an older layout between the requests. */
class Conversion {
  readonly #file: StateFile;
  readonly #onDone: (reply: Reply) => void;
  #timer: NodeJS.Timeout | undefined;
  #revisions = 0;
  #startedMs = 0;
  #lastStepMs = 0;

  constructor(file: StateFile, onDone: (reply: Reply) => void) {
    this.#file = file;
    this.#onDone = onDone;
  }

  /** To be called after each request. */
  noteRequest(): void {
    if (!this.#file.isToConvert) return;
    const isDue = performance.now() - this.#lastStepMs > MAX_PAUSE_MS;
    if (this.#timer === undefined || !isDue) this.#schedule(IDLE_MS);
  }

  #schedule(delayMs: number): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#step(), delayMs);
  }

  #step(): void {
    this.#timer = undefined;
    if (!this.#file.isToConvert) return;
    if (this.#revisions === 0) this.#startedMs = performance.now();
    try {
      if (this.#file.convert()) {
        this.#revisions += 1;
        this.#schedule(0);
      } else this.#report();
    } catch {
      // The database is closed now. The conversion goes on after the next request that opens it.
    }
    this.#lastStepMs = performance.now();
  }

  #report(): void {
    const durationMs = Math.round(performance.now() - this.#startedMs);
    this.#onDone({ kind: "converted", revisions: this.#revisions, durationMs });
    this.#revisions = 0;
  }
}

if (!isMainThread) {
  const port = parentPort;
  const file = new StateFile(workerData as StateFileOptions);
  // A port has no origin.
  // oxlint-disable-next-line unicorn/require-post-message-target-origin
  const send = (reply: Reply): void => port?.postMessage(reply);
  const conversion = new Conversion(file, send);
  port?.on("message", (request: Request) => {
    send(replyTo(file, request));
    conversion.noteRequest();
  });
}
