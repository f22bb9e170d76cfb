import { readFileSync, readdirSync } from "node:fs";

/** A process of this machine; its start time tells it from a later one with the same id. */
export interface ProcessIdentity {
  readonly pid: number;
  /** Clock ticks since boot, proc_pid_stat(5) field 22. */
  readonly startTicks: string;
}

interface ProcessEntry extends ProcessIdentity {
  readonly parentPid: number;
}

/** The process and all its descendants, the root first; empty when it has gone. */
export function processTreeOf(rootPid: number): ProcessIdentity[] {
  const all = readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name))
    .flatMap((name) => tryReadProcess(Number(name)) ?? []);
  const root = all.find((entry) => entry.pid === rootPid);
  const tree = root === undefined ? [] : [root];
  for (const parent of tree) {
    tree.push(...all.filter((entry) => entry.parentPid === parent.pid));
  }
  return tree;
}

export function isAlive(identity: ProcessIdentity): boolean {
  return tryReadProcess(identity.pid)?.startTicks === identity.startTicks;
}

function tryReadProcess(pid: number): ProcessEntry | undefined {
  let stat: string;
  try {
    stat = readFileSync(`/proc/${pid}/stat`, "utf8");
  } catch {
    return undefined;
  }
  // The name stands in parentheses and may hold blanks and parentheses itself.
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  const [state, parentPid] = fields;
  if (state === undefined || "ZX".includes(state)) {
    return undefined;
  }
  return { pid, parentPid: Number(parentPid), startTicks: fields[19] ?? "" };
}
