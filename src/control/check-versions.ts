import type { WrittenDocument } from "#model/document/written-document.ts";
import { asWarning, isError } from "#model/problem.ts";
import { checkUse } from "#model/document/check-use.ts";
import { inTurn } from "./certificates/in-turn.ts";
import { problemsOf } from "./certificates/load-sources.ts";
import {
  candidateEntry,
  withCandidates,
  type CandidateVersion,
  type DocumentInForce,
  type ReadingParts,
} from "./certificates/source-entry.ts";
import { usageProblems, type CheckedDocument } from "./check-file.ts";

/**
 * Checks versions that take the place of others while the document stays as it is. The document and its other certificates were
 * checked when they came into force, and no rule looks at two certificates, so this costs what is replaced.
 */
export async function checkVersions(
  { written, folder }: { readonly written: WrittenDocument; readonly folder: string },
  inForce: DocumentInForce,
  candidates: ReadonlyMap<string, CandidateVersion>,
  parts: ReadingParts,
): Promise<CheckedDocument> {
  const nowMs = Date.now();
  const { document } = inForce;
  const replaced = await inTurn([...candidates], async ([name, candidate]) => {
    const before = inForce.entries.certificates.get(name);
    if (before === undefined) throw new TypeError(`Certificate ${name} is not in force.`);
    return { before, after: await candidateEntry(before.source, candidate, parts) };
  });
  const { entries, sources } = withCandidates(inForce, replaced);
  const ofVersions = replaced.flatMap(({ before, after }) => {
    const problems = problemsOf(after, nowMs);
    // A version that the engine does not accept cannot be forced.
    const isForced = candidates.get(before.source.key)?.isForced === true;
    return isForced && after.version !== undefined ? problems.map(asWarning) : problems;
  });
  const problems = [
    ...ofVersions,
    ...usageProblems(document, sources, inForce),
    ...checkUse(document),
  ];
  return problems.some(isError)
    ? {
        ...{ document: undefined, written: undefined, entries: undefined },
        folder,
        problems,
        problemsInForce: [],
      }
    : { document, written, folder, entries, problems, problemsInForce: [] };
}
