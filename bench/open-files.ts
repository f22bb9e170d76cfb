import { readFileSync } from "node:fs";
import type { BenchCase } from "./bench-case.ts";
import { BenchFailure } from "./bench-failure.ts";

/** What a runtime holds open for itself, generously. */
const spareFiles = 500;

/** A proxied connection takes two files in the subject. */
export function assertOpenFiles({ name, operations }: BenchCase): void {
  const needed = name === "memory" ? 2 * operations + spareFiles : 0;
  const limits = readFileSync("/proc/self/limits", "utf8");
  const hardLimit = Number(/^Max open files\s+\d+\s+(\d+)/m.exec(limits)?.[1] ?? Infinity);
  if (hardLimit < needed) {
    throw new BenchFailure(
      `The memory case needs ${needed} open files and ulimit -Hn is ${hardLimit}: raise it, use --quick, or leave memory out.`,
    );
  }
}
