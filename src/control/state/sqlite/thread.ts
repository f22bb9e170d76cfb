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

/** Converts rows of an older layout while no request waits. */
class Conversion {
  readonly #file: StateFile;
  readonly #onDone: (reply: Reply) => void;
  #isScheduled = false;
  #revisions = 0;
  #startedMs = 0;

  constructor(file: StateFile, onDone: (reply: Reply) => void) {
    this.#file = file;
    this.#onDone = onDone;
  }

  /** Does nothing if there is nothing to convert. */
  schedule(): void {
    if (this.#isScheduled || !this.#file.isToConvert) return;
    if (this.#revisions === 0) this.#startedMs = performance.now();
    this.#isScheduled = true;
    setImmediate(() => {
      this.#isScheduled = false;
      if (this.#file.isToConvert) this.#step();
    });
  }

  #step(): void {
    try {
      const converted = this.#file.convert();
      this.#revisions += converted;
      if (converted > 0) this.schedule();
      else this.#report();
    } catch {
      // The database is closed now. The conversion goes on after the next request that opens it.
    }
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
  const conversion = new Conversion(file, (reply) => port?.postMessage(reply));
  port?.on("message", (request: Request) => {
    port.postMessage(replyTo(file, request));
    conversion.schedule();
  });
}
