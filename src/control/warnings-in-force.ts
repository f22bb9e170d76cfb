import { checkDocument } from "#model/document/check-document.ts";
import { checkUse } from "#model/document/check-use.ts";
import type { Document } from "#model/document/document.ts";
import { compareNames } from "#model/document/natural-order.ts";
import { MAX_PROBLEMS } from "#model/document/schema-problems.ts";
import type { Problem } from "#model/failure.ts";
import { isError, problemKeyOf } from "#model/problem.ts";
import { isSameAbsences } from "./network/absence.ts";
import { checkAddresses } from "./network/check-addresses.ts";
import { checkTrustRoots } from "./certificates/check-trust-roots.ts";
import { checkUsage, usableOf } from "./certificates/check-usage.ts";
import { keysThatDiffer } from "./patched-map.ts";
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
    ...documentProblems(document),
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

const knownOfDocuments = new WeakMap<Document, readonly Problem[]>();

/** Caches the problems of the document alone, because a state with new certificates has the same document. */
function documentProblems(document: Document): readonly Problem[] {
  const before = knownOfDocuments.get(document);
  if (before !== undefined) return before;
  const problems = [...checkDocument(document), ...checkUse(document)];
  knownOfDocuments.set(document, problems);
  return problems;
}

/** Returns the warnings of `after` that `before` does not have. */
export function newWarningsOf(before: State, after: State): readonly Problem[] {
  if (areUsedAlike(before, after)) return [];
  const old = new Set(warningsInForce(before).map(problemKeyOf));
  return warningsInForce(after).filter((warning) => !old.has(problemKeyOf(warning)));
}

/** Returns true if only certificates have been replaced, by others that suit the same listeners. */
function areUsedAlike(before: State, after: State): boolean {
  const [one, other] = [before.sources, after.sources];
  const isSameRest =
    before.document === after.document &&
    isSameAbsences(before.absences, after.absences) &&
    one.trusts === other.trusts;
  const differing = keysThatDiffer(one.certificates, other.certificates);
  if (!isSameRest || differing === undefined) return false;
  return differing.every((name) => {
    const [old, renewed] = [one.certificates.get(name), other.certificates.get(name)];
    return old !== undefined && renewed !== undefined && usableOf(old) === usableOf(renewed);
  });
}
