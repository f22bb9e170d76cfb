import { readFileSync, readdirSync } from "node:fs";

export interface MemoryFacts {
  readonly rssBytes: number;
  /** Shared pages are counted in proportion: the honest figure for several workers of one runtime. */
  readonly pssBytes: number;
}

export function openFileCount(pid: number): number {
  return readdirSync(`/proc/${pid}/fd`).length;
}

/** /proc/PID/smaps_rollup (proc(5)). */
export function memoryOf(pid: number): MemoryFacts {
  const rollup = readFileSync(`/proc/${pid}/smaps_rollup`, "utf8");
  const bytesOf = (field: string): number => {
    const kilobytes = new RegExp(`^${field}:\\s+(\\d+) kB`, "m").exec(rollup)?.[1];
    if (kilobytes === undefined) throw new Error(`no ${field} in smaps_rollup of process ${pid}`);
    return Number(kilobytes) * 1024;
  };
  return { rssBytes: bytesOf("Rss"), pssBytes: bytesOf("Pss") };
}

/** User and system time that the process has used so far, in milliseconds (clock ticks of 10 ms). */
export function cpuTimeMs(pid: number): number {
  const fields = statFieldsOf(pid);
  return (Number(fields[11]) + Number(fields[12])) * 10;
}

export interface ProcessIdentity {
  readonly pid: number;
  /** Tells a process from a later one that was given the same pid. */
  readonly startTicks: string;
}

/** All processes below `pid`, the nearest first. */
export function descendantsOf(pid: number): readonly ProcessIdentity[] {
  const childrenByParent = new Map<number, ProcessIdentity[]>();
  for (const entry of readdirSync("/proc")) {
    const fields = /^\d+$/.test(entry) ? tryStatFieldsOf(Number(entry)) : undefined;
    if (fields === undefined) continue;
    const parent = Number(fields[1]);
    const identity = { pid: Number(entry), startTicks: fields[19] ?? "" };
    childrenByParent.set(parent, [...(childrenByParent.get(parent) ?? []), identity]);
  }
  const found: ProcessIdentity[] = [...(childrenByParent.get(pid) ?? [])];
  for (const identity of found) found.push(...(childrenByParent.get(identity.pid) ?? []));
  return found;
}

/** The processes below a director, zombies included, except those that read documents and certificates for it. */
export function workersBelow(pid: number): readonly ProcessIdentity[] {
  return descendantsOf(pid).filter((one) => !commandLineOf(one.pid).includes("/control/reader/"));
}

function commandLineOf(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, "utf8");
  } catch {
    return "";
  }
}

/** Returns false for a zombie without other threads: its sockets and its memory are released. proc_pid_stat(5). */
export function isAlive(identity: ProcessIdentity): boolean {
  const fields = tryStatFieldsOf(identity.pid);
  if (fields === undefined || fields[19] !== identity.startTicks) return false;
  return fields[0] !== "Z" || Number(fields[17]) > 1;
}

// From field 3 (state) on; field 2 is a name that may hold spaces and brackets.
function statFieldsOf(pid: number): readonly string[] {
  const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
  return stat.slice(stat.lastIndexOf(")") + 2).split(" ");
}

function tryStatFieldsOf(pid: number): readonly string[] | undefined {
  try {
    return statFieldsOf(pid);
  } catch {
    return undefined;
  }
}
