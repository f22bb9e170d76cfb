import { mkdirSync, readdirSync, rmdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { errorCodeOf } from "#model/error-code.ts";

const NAME = "worker-";
const REMOVE_TRIES = 40;
const REMOVE_PAUSE_MS = 50;

/** A control group for one worker, by which all processes that the worker has started can be killed. */
export class WorkerCgroup {
  readonly #folder: string;

  constructor(folder: string) {
    this.#folder = folder;
  }

  /** Sends SIGKILL to every process of the group. Needs Linux 5.14. */
  kill(): void {
    try {
      writeFileSync(join(this.#folder, "cgroup.kill"), "1");
    } catch {
      // The group does not exist any more, or the kernel is older. The worker's process group is killed anyway.
    }
  }

  /** Removes the group. Tries several times, because killed processes take a moment to end. */
  async remove(): Promise<void> {
    for (let tries = 0; tries < REMOVE_TRIES && !tryRemove(this.#folder); tries += 1) {
      await delay(REMOVE_PAUSE_MS);
    }
  }
}

/** Puts the process `pid` into a new group below `parent`. Returns undefined if that is not possible. */
export function tryWorkerCgroup(parent: string, pid: number): WorkerCgroup | undefined {
  try {
    // Removes groups that an earlier director has left. A group that still has a process cannot be removed.
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
