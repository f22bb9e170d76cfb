import { readFileSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Trouble } from "./trouble.ts";
import { tryProcessFacts, type ProcessIdentity } from "../process-facts.ts";

export interface WorkerRecordOptions extends Trouble {
  readonly folder: string;
  /** How often a record that cannot be written is tried again. */
  readonly retryMs?: number;
}

const RETRY_MS = 10_000;

/**
 * Which worker processes there are, in `<folder>/workers.json`: a director that was killed leaves workers that serve on for
 * a while, and the next one must know that it is they who hold its addresses. The record is one of two ways to know
 * (`Orphans` has the other), so one that cannot be written or read ends nothing.
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

  /** The workers that an earlier director has written down; they may have ended. */
  get left(): readonly ProcessIdentity[] {
    return this.#left;
  }

  /** Writes down these workers, and those that were left and still live. Throws nothing. */
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
