import { isError } from "#model/problem.ts";
import type { Attention } from "#model/records/attention.ts";
import { rotationProblems } from "./check-rotation.ts";
import { allowancesOf } from "./rotation-allowances.ts";
import { activeOf, type CertificateRecord } from "./version-record.ts";

/** Returns what would get worse if a staged version became active, unless it was allowed when the version came. */
export function stagedAttentionOf(record: CertificateRecord): readonly Attention[] {
  const before = activeOf(record)?.facts;
  if (before === undefined) return [];
  return record.versions.flatMap(({ id, state, facts, allowed = [], activatesItself }) => {
    if (state !== "staged" || facts === undefined) return [];
    const problems = rotationProblems(before, facts, "", allowancesOf(allowed));
    // It does not become active by itself if it expires earlier, although this only warns of a rotation.
    const isTold = (problem: (typeof problems)[number]): boolean =>
      isError(problem) || (activatesItself === true && problem.code === "expires-earlier");
    return problems.filter(isTold).map(({ message, hint }) => ({
      code: "staged-worse" as const,
      message: `Version ${id} is staged. ${message}`,
      hint,
    }));
  });
}
