import { mkdirSync, readdirSync, rmdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { errorCodeOf } from "#model/error-code.ts";

const NAME = "worker-";
const REMOVE_TRIES = 40;
const REMOVE_PAUSE_MS = 50;

/** A control group for one worker, which ends whatever the worker has started, in any session. */
export class WorkerCgroup {
  readonly #folder: string;

  constructor(folder: string) {
    this.#folder = folder;
  }

  /** SIGKILL to every process in it; since Linux 5.14. */
  kill(): void {
    try {
      writeFileSync(join(this.#folder, "cgroup.kill"), "1");
    } catch {
      // It is gone, or the kernel is older: the worker's process group has been ended all the same.
    }
  }

  /** Processes that were killed take a moment to go. */
  async remove(): Promise<void> {
    for (let tries = 0; tries < REMOVE_TRIES && !tryRemove(this.#folder); tries += 1) {
      await delay(REMOVE_PAUSE_MS);
    }
  }
}

/** Puts the process `pid` into a new group below `parent`. Undefined if the system does not let it. */
export function tryWorkerCgroup(parent: string, pid: number): WorkerCgroup | undefined {
  try {
    // Those that an earlier director has left. One with a process in it cannot be removed.
    for (const name of readdirSync(parent)) {
      if (name.startsWith(NAME)) tryRemove(join(parent, name));
    }
    const folder = join(parent, `${NAME}${pid}`);
    mkdirSync(folder, { recursive: true });
    writeFileSync(join(folder, "cgroup.procs"), String(pid));
    return new WorkerCgroup(folder);
  } catch {
    return undefined;
  }
}

function tryRemove(folder: string): boolean {
  try {
    rmdirSync(folder);
    return true;
  } catch (error) {
    return errorCodeOf(error) === "ENOENT";
  }
}
