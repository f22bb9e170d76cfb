import { readFileSync } from "node:fs";
import { BenchFailure } from "./bench-failure.ts";
import type { BenchCase, PlannedGroup } from "./cases/bench-case.ts";

/** What a runtime holds open for itself, generously. */
const spareFiles = 500;

/** A proxied connection takes two files in the subject, a listener one. */
export function assertOpenFiles(groups: readonly PlannedGroup[]): void {
  const needed = Math.max(
    ...groups.flatMap((group) =>
      group.method === "growth"
        ? group.points.map((one) => filesOf(one.benchCase, one.shape.keyTypes.length))
        : group.cases.map((one) => filesOf(one, group.shape.keyTypes.length)),
    ),
  );
  const limits = readFileSync("/proc/self/limits", "utf8");
  const hardLimit = Number(/^Max open files\s+\d+\s+(\d+)/m.exec(limits)?.[1] ?? Infinity);
  if (hardLimit < needed) {
    throw new BenchFailure(
      `The bench needs ${needed} open files and ulimit -Hn is ${hardLimit}: raise it, use --quick, or leave memory and growth out.`,
    );
  }
}

function filesOf(benchCase: BenchCase, listeners: number): number {
  const connections =
    benchCase.family === "memory"
      ? benchCase.operations
      : (benchCase.plan?.connections ?? benchCase.concurrency);
  return 2 * connections + listeners + spareFiles;
}
