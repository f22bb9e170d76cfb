import { readFileSync } from "node:fs";
import { BenchFailure } from "../bench-failure.ts";
import { processTreeOf } from "./process-tree.ts";

/** Proportional set size of a process and its descendants, in bytes: shared pages count once. */
export function readPssBytes(rootPid: number): number {
  const pids = processTreeOf(rootPid).map(({ pid }) => pid);
  return pids.reduce((sum, pid) => sum + pssBytesOf(pid), 0);
}

function pssBytesOf(pid: number): number {
  let rollup: string;
  try {
    rollup = readFileSync(`/proc/${pid}/smaps_rollup`, "utf8");
  } catch (cause) {
    throw new BenchFailure(
      `The memory of process ${pid} cannot be read; run the bench as the user who owns it, or as root.`,
      { cause },
    );
  }
  return Number(/^Pss:\s+(\d+) kB$/m.exec(rollup)?.[1]) * 1024;
}
