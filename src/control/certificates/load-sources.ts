import type { Document } from "#model/document/document.ts";
import type { Problem } from "#model/failure.ts";
import {
  certificateSourcesOf,
  trustSourcesOf,
  UNKNOWN_LOOKS,
  type DocumentSource,
} from "./document-sources.ts";
import { inTurn } from "./in-turn.ts";
import {
  readEntry,
  sourcesOf,
  type ReadingParts,
  type SourceEntries,
  type SourceEntry,
} from "./source-entry.ts";
import type { Sources, SourceVersion } from "./sources.ts";

export interface LoadedSources {
  readonly entries: SourceEntries;
  /** The versions of the entries. */
  readonly sources: Sources;
  readonly problems: readonly Problem[];
}

/**
 * Reads every certificate, CA bundle and CRL that the document names. Files that are in force and have not changed are not
 * read again. A source that cannot be used or is not valid now is an error. It is a warning if the same source is in force
 * already, because refusing the document would not help then.
 */
export async function loadSources(
  document: Document,
  folder: string,
  parts: ReadingParts,
  inForce?: SourceEntries,
  nowMs = Date.now(),
): Promise<LoadedSources> {
  const certificates = await inTurn(certificateSourcesOf(document, folder), (source) =>
    load(source, inForce?.certificates.get(source.key), parts, nowMs),
  );
  const trusts = await inTurn(trustSourcesOf(document, folder), (source) =>
    load(source, inForce?.trusts.get(source.key), parts, nowMs),
  );
  const entries = { certificates: byKey(certificates), trusts: byKey(trusts) };
  return {
    entries,
    sources: sourcesOf(entries),
    problems: [...certificates, ...trusts].flatMap(({ problems }) => problems),
  };
}

interface Loaded<Version extends SourceVersion> {
  readonly entry: SourceEntry<Version>;
  readonly problems: readonly Problem[];
}

async function load<Version extends SourceVersion>(
  source: DocumentSource<Version>,
  before: SourceEntry<Version> | undefined,
  parts: ReadingParts,
  nowMs: number,
): Promise<Loaded<Version>> {
  const isInForce = before?.source.origin === source.origin;
  const isKnown = isInForce && before.refusals.length === 0 && before.looks !== UNKNOWN_LOOKS;
  const entry =
    isKnown && (await source.look()) === before.looks
      ? { ...before, source }
      : await readEntry(source, before, parts, nowMs);
  const problems = problemsOf(entry, nowMs);
  return { entry, problems: isInForce ? problems.map(asWarning) : problems };
}

/** Returns all problems of an entry at a time. */
export const problemsOf = <Version extends SourceVersion>(
  { source, version, refusals, warnings }: SourceEntry<Version>,
  nowMs: number,
): readonly Problem[] => [
  ...refusals,
  ...warnings,
  ...(version === undefined ? [] : source.problemsAt(version, nowMs)),
];

export const asWarning = (problem: Problem): Problem => ({ ...problem, severity: "warning" });

const byKey = <Version extends SourceVersion>(
  loaded: readonly Loaded<Version>[],
): ReadonlyMap<string, SourceEntry<Version>> =>
  new Map(loaded.map(({ entry }) => [entry.source.key, entry]));
