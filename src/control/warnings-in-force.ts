import { checkDocument } from "#model/document/check-document.ts";
import { checkUse } from "#model/document/check-use.ts";
import { compareNames } from "#model/document/natural-order.ts";
import { MAX_PROBLEMS } from "#model/document/schema-problems.ts";
import type { Problem } from "#model/failure.ts";
import { isError, problemKeyOf } from "#model/problem.ts";
import { checkAddresses } from "./network/check-addresses.ts";
import { checkTrustRoots } from "./certificates/check-trust-roots.ts";
import { checkUsage } from "./certificates/check-usage.ts";
import type { StateInForce } from "./change/change.ts";

type State = Pick<StateInForce, "document" | "sources" | "absences">;

/** Caches the warnings, because a state is immutable and its warnings are read often. */
const known = new WeakMap<State, readonly Problem[]>();

/** Returns the warnings about the document and the files in force. */
export function warningsInForce(state: State): readonly Problem[] {
  const before = known.get(state);
  if (before !== undefined) return before;
  const { document, sources, absences } = state;
  const isAbsent = (ip: string): boolean => absences.get(ip)?.code === "address-not-available";
  const warnings = [
    ...checkDocument(document),
    ...checkUse(document),
    ...checkUsage(document, sources.certificates),
    ...checkTrustRoots(document, sources),
    ...checkAddresses(document, isAbsent),
  ]
    .filter((problem) => !isError(problem))
    // The order of the document in force is that of the file until the next start.
    .toSorted((one, other) => compareNames(one.path, other.path))
    .slice(0, MAX_PROBLEMS);
  known.set(state, warnings);
  return warnings;
}

/** Returns the warnings of `after` that `before` does not have. */
export function newWarningsOf(before: State, after: State): readonly Problem[] {
  const old = new Set(warningsInForce(before).map(problemKeyOf));
  return warningsInForce(after).filter((warning) => !old.has(problemKeyOf(warning)));
}
