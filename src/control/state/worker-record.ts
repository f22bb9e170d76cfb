import { readFileSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";

interface ProcessIdentity {
  readonly pid: number;
  /** Tells a process from a later one with the same pid. */
  readonly startTicks: string;
}

/**
 * Which worker processes there are, in `<folder>/workers.json`: a director that was killed leaves workers that serve on for
 * a while, and the next one on the same folder must know that it is they who hold its addresses.
 */
export class WorkerRecord {
  readonly #path: string;
  readonly #orphans: readonly ProcessIdentity[];

  constructor(folder: string) {
    this.#path = join(folder, "workers.json");
    this.#orphans = readRecord(this.#path).filter(isAlive);
  }

  /** Pids of the workers that an earlier director has left and that still live. */
  orphans(): readonly number[] {
    return this.#orphans.filter(isAlive).map(({ pid }) => pid);
  }

  /** By SIGTERM they let their connections end and leave. Returns how many there were. */
  endOrphans(signal: "SIGTERM" | "SIGKILL"): number {
    const orphans = this.orphans();
    for (const pid of orphans) {
      try {
        process.kill(pid, signal);
      } catch {
        // It has left by itself.
      }
    }
    return orphans.length;
  }

  write(pids: readonly number[]): void {
    const own = pids.flatMap((pid) => {
      const startTicks = tryStartTicks(pid);
      return startTicks === undefined ? [] : [{ pid, startTicks }];
    });
    const draft = `${this.#path}.new`;
    writeFileSync(draft, JSON.stringify([...this.#orphans.filter(isAlive), ...own]));
    renameSync(draft, this.#path);
  }
}

/** It says nothing that could not be done without: one that cannot be read is none. */
function readRecord(path: string): readonly ProcessIdentity[] {
  try {
    const entries = JSON.parse(readFileSync(path, "utf8")) as readonly ProcessIdentity[];
    return entries.filter(({ pid }) => Number.isSafeInteger(pid) && pid > 1);
  } catch {
    return [];
  }
}

const isAlive = ({ pid, startTicks }: ProcessIdentity): boolean =>
  tryStartTicks(pid) === startTicks;

/** Field 22 of /proc/PID/stat, proc(5). Undefined for a process that is gone or only waits to be reaped. */
function tryStartTicks(pid: number): string | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
    const [state, ...rest] = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
    return state === "Z" ? undefined : rest[18];
  } catch {
    return undefined;
  }
}
