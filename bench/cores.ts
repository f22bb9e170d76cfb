import { readFileSync } from "node:fs";
import { BenchFailure } from "./bench-failure.ts";

/** Core lists in the notation of taskset(1). */
export interface Cores {
  readonly subject: string;
  readonly load: string;
}

/** The first core this process may use is the subject's alone; load and endpoint share all the others. */
export function chooseCores(): Cores {
  const status = readFileSync("/proc/self/status", "utf8");
  const allowed = parseCoreList(/^Cpus_allowed_list:\s*(\S+)$/m.exec(status)?.[1] ?? "");
  const [subject, ...load] = allowed;
  if (subject === undefined || load.length === 0) {
    throw new BenchFailure(
      "The bench needs two CPU cores or more: one for the subject, the others for load and endpoint.",
    );
  }
  return { subject: String(subject), load: load.join(",") };
}

function parseCoreList(list: string): number[] {
  return list.split(",").flatMap((range) => {
    const [first = Number.NaN, last = first] = range.split("-").map(Number);
    return Number.isNaN(first)
      ? []
      : Array.from({ length: last - first + 1 }, (_, index) => first + index);
  });
}
