import { readFileSync } from "node:fs";

export interface ProcessIdentity {
  readonly pid: number;
  /** Tells a process from a later one with the same pid. */
  readonly startTicks: string;
}

export interface ProcessFacts extends ProcessIdentity {
  readonly parentPid: number;
  readonly uid: number;
  readonly gid: number;
}

/** Undefined for a process that is gone, only waits to be reaped, or is hidden from this user (`hidepid`, proc(5)). */
export function tryProcessFacts(pid: number): ProcessFacts | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
    const status = readFileSync(`/proc/${pid}/status`, "utf8");
    return tryStatFacts(stat, { uid: effectiveId(status, "Uid"), gid: effectiveId(status, "Gid") });
  } catch {
    return undefined;
  }
}

/** From the text of /proc/PID/stat: fields 1, 3, 4 and 22. */
export function tryStatFacts(
  stat: string,
  owner: { readonly uid: number; readonly gid: number },
): ProcessFacts | undefined {
  // Field 2 is a name that may hold spaces and brackets.
  const [state, parentPid, ...rest] = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  const startTicks = rest[17];
  if (state === "Z" || startTicks === undefined) return undefined;
  return { pid: Number.parseInt(stat, 10), startTicks, parentPid: Number(parentPid), ...owner };
}

/** The owner of the folder in /proc says less: it is root where the process may not be dumped. */
const effectiveId = (status: string, field: "Uid" | "Gid"): number =>
  Number(status.split(`\n${field}:`)[1]?.split("\t", 3)[2]);
