import { readFileSync, readdirSync, readlinkSync } from "node:fs";

export interface MemoryFacts {
  readonly rssBytes: number;
  /** Shared pages are counted in proportion: the honest figure for several workers of one runtime. */
  readonly pssBytes: number;
  /** Pages that are not of files. Unlike `pssBytes`, this does not change when another process that shares files ends. */
  readonly anonymousBytes: number;
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
  return {
    rssBytes: bytesOf("Rss"),
    pssBytes: bytesOf("Pss"),
    anonymousBytes: bytesOf("Anonymous"),
  };
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

const HELPERS = /\/control\/(?:reader|prover)\/|\/engine-trial\//;

/** The processes below a director, zombies included, except those that read, try and prove certificates for it. */
export function workersBelow(pid: number): readonly ProcessIdentity[] {
  return descendantsOf(pid).filter((one) => !HELPERS.test(commandLineOf(one.pid)));
}

/** The arguments of the process, each ended by a NUL; nothing where there is no such process. */
export function commandLineOf(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, "utf8");
  } catch {
    return "";
  }
}

/** One field of /proc/PID/status (proc(5)) as it stands there; nothing where the file lacks it. */
export function statusFieldOf(pid: number | "self", field: string): string {
  const status = readFileSync(`/proc/${pid}/status`, "utf8");
  return new RegExp(`^${field}:[ \\t]*(.*)$`, "m").exec(status)?.[1]?.trim() ?? "";
}

/** What each open file of the process leads to, e.g. `socket:[4711]`. One that is closed meanwhile is left out. */
export function openFilesOf(pid: number): readonly string[] {
  return readdirSync(`/proc/${pid}/fd`).flatMap((fd) => {
    try {
      return [readlinkSync(`/proc/${pid}/fd/${fd}`)];
    } catch {
      return [];
    }
  });
}

/** Soft and hard, as /proc/PID/limits has them. */
export function limitOf(pid: number | "self", name: string): readonly string[] {
  const limits = readFileSync(`/proc/${pid}/limits`, "utf8");
  const line = limits.split("\n").find((candidate) => candidate.startsWith(name)) ?? "";
  return line.slice(name.length).trim().split(/\s+/).slice(0, 2);
}

/**
 * Returns false for a zombie without other threads: its sockets and its memory are released. A pid alone may be that of
 * a later process. proc_pid_stat(5).
 */
export function isAlive(process: ProcessIdentity | number): boolean {
  const { pid, startTicks } =
    typeof process === "number" ? { pid: process, startTicks: undefined } : process;
  const fields = tryStatFieldsOf(pid);
  if (fields === undefined || fields[19] !== (startTicks ?? fields[19])) return false;
  return fields[0] !== "Z" || Number(fields[17]) > 1;
}

// The result starts at field 3 (state), because field 2 is a name that may contain spaces and brackets.
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
