import { readFileSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Trouble } from "./trouble.ts";
import { tryProcessFacts, type ProcessIdentity } from "../process-facts.ts";

export interface WorkerRecordOptions extends Trouble {
  readonly folder: string;
  /** The interval of further attempts while the record cannot be written. */
  readonly retryMs?: number;
}

const RETRY_MS = 10_000;

/**
 * Records the worker processes in `<folder>/workers.json`. The workers of a director that was killed continue to serve for a
 * while, and the next director must find out that they use its addresses. `Orphans` finds them by their command lines too, so
 * the director goes on if the record cannot be written or read.
 */
export class WorkerRecord {
  readonly #options: WorkerRecordOptions;
  readonly #path: string;
  readonly #left: readonly ProcessIdentity[];
  #pids: readonly number[] = [];
  #retryTimer: NodeJS.Timeout | undefined;

  constructor(options: WorkerRecordOptions) {
    this.#options = options;
    this.#path = join(options.folder, "workers.json");
    this.#left = readRecord(this.#path);
  }

  /** The workers that an earlier director has recorded. They may have ended. */
  get left(): readonly ProcessIdentity[] {
    return this.#left;
  }

  /** Records these workers and those of the earlier director that still run. Never throws. */
  write(pids: readonly number[]): void {
    this.#pids = pids;
    clearTimeout(this.#retryTimer);
    try {
      const own = pids.flatMap((pid) => tryProcessFacts(pid) ?? []);
      const known = [...this.#left.filter(isAlive), ...own];
      const entries = known.map(({ pid, startTicks }) => ({ pid, startTicks }));
      const draft = `${this.#path}.new`;
      writeFileSync(draft, JSON.stringify(entries), { mode: 0o600 });
      renameSync(draft, this.#path);
    } catch (error) {
      this.#options.onTrouble(`${this.#path}: ${String(error)}`);
      const retryMs = this.#options.retryMs ?? RETRY_MS;
      this.#retryTimer = setTimeout(() => this.write(this.#pids), retryMs).unref();
      return;
    }
    this.#options.onSound();
  }

  close(): void {
    clearTimeout(this.#retryTimer);
  }
}

function readRecord(path: string): readonly ProcessIdentity[] {
  try {
    const entries = JSON.parse(readFileSync(path, "utf8")) as readonly ProcessIdentity[];
    return entries.filter(({ pid }) => Number.isSafeInteger(pid) && pid > 1);
  } catch {
    return [];
  }
}

const isAlive = ({ pid, startTicks }: ProcessIdentity): boolean =>
  tryProcessFacts(pid)?.startTicks === startTicks;
