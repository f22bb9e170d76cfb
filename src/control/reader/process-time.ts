import { readFileSync } from "node:fs";

/** USER_HZ, which is the same on every Linux (times(2)). */
const TICK_MS = 10;
/** Places of utime and stime behind the command, which stands in parentheses (proc_pid_stat(5)). */
const USER_TIME = 11;
const SYSTEM_TIME = 12;

/** Processor time that a process has used so far, in milliseconds; undefined where /proc does not tell. */
export function tryProcessTimeMs(pid: number): number | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, "latin1");
    const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
    const ticks = Number(fields[USER_TIME]) + Number(fields[SYSTEM_TIME]);
    return Number.isFinite(ticks) ? ticks * TICK_MS : undefined;
  } catch {
    return undefined;
  }
}
