import { readFileSync } from "node:fs";
import { BenchFailure } from "./bench-failure.ts";

/** Core lists in the notation of taskset(1). */
export interface Cores {
  readonly subject: string;
  /** For a subject with two workers; the subject's one core where there is none to spare. */
  readonly subjectPair: string;
  readonly load: string;
  readonly loadCount: number;
}

/** From so many on, the second core is kept for the second worker. */
const coresWithPair = 4;

/** The first core this process may use is the subject's alone; load and endpoint share the others. */
export function chooseCores(): Cores {
  const status = readFileSync("/proc/self/status", "utf8");
  return splitCores(parseCoreList(/^Cpus_allowed_list:\s*(\S+)$/m.exec(status)?.[1] ?? ""));
}

export function splitCores(allowed: readonly number[]): Cores {
  const [subject, second] = allowed;
  if (subject === undefined || second === undefined) {
    throw new BenchFailure(
      "The bench needs two CPU cores or more: one for the subject, the others for load and endpoint.",
    );
  }
  const hasPair = allowed.length >= coresWithPair;
  const load = allowed.slice(hasPair ? 2 : 1);
  return {
    subject: String(subject),
    subjectPair: hasPair ? `${subject},${second}` : String(subject),
    load: load.join(","),
    loadCount: load.length,
  };
}

export function parseCoreList(list: string): number[] {
  return list.split(",").flatMap((range) => {
    const [first = Number.NaN, last = first] = range.split("-").map(Number);
    return Number.isNaN(first)
      ? []
      : Array.from({ length: last - first + 1 }, (_, index) => first + index);
  });
}
