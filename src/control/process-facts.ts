import { readFileSync } from "node:fs";

export interface ProcessIdentity {
  readonly pid: number;
  /** Distinguishes a process from a later one with the same pid. */
  readonly startTicks: string;
}

export interface ProcessFacts extends ProcessIdentity {
  readonly parentPid: number;
  readonly uid: number;
  readonly gid: number;
}

/** Fields of /proc/PID/stat, proc_pid_stat(5). */
interface ProcessStat extends ProcessIdentity {
  readonly state: string;
  readonly parentPid: number;
  readonly userTicks: number;
  readonly systemTicks: number;
}

/** USER_HZ, which is the same on every Linux (times(2)). */
const TICK_MS = 10;

/** Returns undefined if the process is gone, is a zombie, or is hidden from this user (`hidepid`, proc(5)). */
export function tryProcessFacts(pid: number): ProcessFacts | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, "latin1");
    const status = readFileSync(`/proc/${pid}/status`, "utf8");
    return tryStatFacts(stat, { uid: effectiveId(status, "Uid"), gid: effectiveId(status, "Gid") });
  } catch {
    return undefined;
  }
}

/** Builds the facts from the text of /proc/PID/stat. Returns undefined if the process is a zombie. */
export function tryStatFacts(
  text: string,
  owner: { readonly uid: number; readonly gid: number },
): ProcessFacts | undefined {
  const stat = tryParseStat(text);
  if (stat === undefined || stat.state === "Z") return undefined;
  const { pid, startTicks, parentPid } = stat;
  return { pid, startTicks, parentPid, ...owner };
}

/** Returns the CPU time that a process has used so far, in milliseconds, or undefined if it cannot be read from /proc. */
export function tryProcessTimeMs(pid: number): number | undefined {
  try {
    const stat = tryParseStat(readFileSync(`/proc/${pid}/stat`, "latin1"));
    return stat && (stat.userTicks + stat.systemTicks) * TICK_MS;
  } catch {
    return undefined;
  }
}

function tryParseStat(text: string): ProcessStat | undefined {
  // Field 2 is the name in parentheses, which may contain spaces and parentheses. Field 3 follows the last parenthesis.
  const fields = text.slice(text.lastIndexOf(")") + 2).split(" ");
  const [state, parentPid] = fields;
  const [userTicks, systemTicks, startTicks] = [fields[11], fields[12], fields[19]];
  if (state === undefined || startTicks === undefined) return undefined;
  return {
    pid: Number.parseInt(text, 10),
    state,
    parentPid: Number(parentPid),
    userTicks: Number(userTicks),
    systemTicks: Number(systemTicks),
    startTicks,
  };
}

/** The owner of the folder in /proc cannot be used instead, because it is root for a process that may not be dumped. */
const effectiveId = (status: string, field: "Uid" | "Gid"): number =>
  Number(status.split(`\n${field}:`)[1]?.split("\t", 3)[2]);
