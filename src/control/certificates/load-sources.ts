import type { Document } from "#model/document/document.ts";
import type { FoldersOf } from "#model/document/check-paths.ts";
import type { Problem } from "#model/failure.ts";
import { asWarning } from "#model/problem.ts";
import {
  certificateSourcesOf,
  trustSourcesOf,
  UNKNOWN_LOOKS,
  type DocumentSource,
} from "./document-sources.ts";
import { FileReads } from "./file-reads.ts";
import { FEW_SOURCES, lookOnce } from "./file-watch.ts";
import { inTurn } from "./in-turn.ts";
import { withPatches } from "../patched-map.ts";
import { KeyTypeTally } from "./key-type-tally.ts";
import {
  candidateEntry,
  readEntry,
  sourcesOf,
  type CandidateVersion,
  type ReadingParts,
  type SourceEntries,
  type SourceEntry,
} from "./source-entry.ts";
import type { CertificateVersion, Sources, SourceVersion } from "./sources.ts";

/** How many sources are read at a time if they are many, so that no reader process waits for work. */
const BULK = 256;

export interface LoadedSources {
  readonly entries: SourceEntries;
  /** The versions of the entries. */
  readonly sources: Sources;
  readonly problems: readonly Problem[];
  /** Those of the problems that concern sources which are in force already. The certificate store reports them. */
  readonly problemsInForce: readonly Problem[];
}

export interface LoadOptions {
  readonly nowMs?: number;
  /** In which folders the files must be, now and whenever they are read again. By default, they can be anywhere. */
  readonly foldersOf?: FoldersOf;
  /**
   * If true, files that are in force are used as they are. The certificate store looks at them every second, and thousands of looks
   * would take longer than the rest of a small change.
   */
  readonly leavesToWatch?: boolean;
  /** Versions that are not saved yet, by the names of their certificates. They are used as those of the inventory. */
  readonly candidates?: ReadonlyMap<string, CandidateVersion>;
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
  {
    nowMs = Date.now(),
    foldersOf = anywhere,
    leavesToWatch = false,
    candidates = new Map(),
  }: LoadOptions = {},
): Promise<LoadedSources> {
  const folders = { folder, foldersOf };
  const when = { nowMs, leavesToWatch };
  const named = certificateSourcesOf(document, folders, parts.kept);
  const untouched = new Map(
    leavesToWatch ? untouchedOf(named, candidates, inForce?.certificates) : [],
  );
  const touched = named.filter(({ key }) => !untouched.has(key));
  const others = touched.filter(({ key }) => !candidates.has(key));
  const loaded = [
    ...(await loadAll(others, inForce?.certificates, parts, when)),
    ...(await loadCandidates(touched, candidates, parts)),
  ];
  const byName = new Map(loaded.map((one) => [one.entry.source.key, one]));
  // The order is that of the document.
  const read = touched.flatMap(({ key }) => byName.get(key) ?? []);
  const certificates = judgeRenewals(document, read, untouched);
  const trusts = await loadAll(trustSourcesOf(document, folders), inForce?.trusts, parts, when);
  const entries = {
    certificates:
      inForce === undefined || untouched.size === 0
        ? byKey(certificates)
        : withLoaded(inForce.certificates, untouched, certificates),
    trusts: byKey(trusts),
  };
  const keptEntries = untouched.values().map((entry) => ({ entry, kept: entry }));
  const all: readonly Loaded<SourceVersion>[] = [...keptEntries, ...certificates, ...trusts];
  const problemsInForce = all.flatMap(({ entry, kept }) =>
    kept === undefined ? [] : problemsOf(entry, nowMs).map(asWarning),
  );
  const problems = all.flatMap(({ entry, kept, isForced }) => {
    if (kept !== undefined) return [];
    return isForced === true ? problemsOf(entry, nowMs).map(asWarning) : problemsOf(entry, nowMs);
  });
  return {
    entries,
    problemsInForce,
    sources: sourcesOf(entries),
    problems: [...problems, ...problemsInForce],
  };
}

const anywhere: FoldersOf = () => "any";

/** Returns the entries in force of sources that are still the same, that have no candidate, and whose files are watched. */
function untouchedOf(
  sources: readonly DocumentSource<CertificateVersion>[],
  candidates: NonNullable<LoadOptions["candidates"]>,
  inForce: SourceEntries["certificates"] | undefined,
): readonly (readonly [key: string, entry: SourceEntry<CertificateVersion>])[] {
  if (inForce === undefined) return [];
  return sources.flatMap((source) => {
    const entry = inForce.get(source.key);
    const isUntouched =
      entry?.source === source && isUsedAsItIs(entry) && !candidates.has(source.key);
    return isUntouched ? [[source.key, entry] as const] : [];
  });
}

const isUsedAsItIs = <Version extends SourceVersion>({
  refusals,
  looks,
}: SourceEntry<Version>): boolean => refusals.length === 0 && looks !== UNKNOWN_LOOKS;

/** Returns the entries in force with those that were loaded, and without those that the document does not have any more. */
function withLoaded(
  inForce: SourceEntries["certificates"],
  untouched: SourceEntries["certificates"],
  loaded: readonly Loaded<CertificateVersion>[],
): SourceEntries["certificates"] {
  const added = new Map(loaded.map(({ entry }) => [entry.source.key, entry]));
  const removed = [...inForce.keys()].filter((key) => !untouched.has(key) && !added.has(key));
  return withPatches(inForce, [...added, ...removed.map((key) => [key, undefined] as const)]);
}

interface Loaded<Version extends SourceVersion> {
  readonly entry: SourceEntry<Version>;
  /** The entry in force, if it has the same source. */
  readonly kept: SourceEntry<Version> | undefined;
  /** Whether its problems are warnings. */
  readonly isForced?: boolean;
}

const loadCandidates = (
  sources: readonly DocumentSource<CertificateVersion>[],
  candidates: NonNullable<LoadOptions["candidates"]>,
  parts: ReadingParts,
): Promise<readonly Loaded<CertificateVersion>[]> =>
  inTurn(
    sources.flatMap((source) => {
      const candidate = candidates.get(source.key);
      return candidate === undefined ? [] : [{ source, candidate }];
    }),
    async ({ source, candidate }) => {
      const entry = await candidateEntry(source, candidate, parts);
      // A version that the engine does not accept cannot be forced.
      const isForced = candidate.isForced && entry.version !== undefined;
      return { entry, kept: undefined, isForced };
    },
  );

async function loadAll<Version extends SourceVersion>(
  sources: readonly DocumentSource<Version>[],
  inForce: ReadonlyMap<string, SourceEntry<Version>> | undefined,
  parts: ReadingParts,
  { nowMs, leavesToWatch }: Required<Pick<LoadOptions, "nowMs" | "leavesToWatch">>,
): Promise<readonly Loaded<Version>[]> {
  const wanted = sources.map((source) => {
    const before = inForce?.get(source.key);
    const kept = before?.source.origin === source.origin ? before : undefined;
    const isKnown = kept !== undefined && isUsedAsItIs(kept);
    return { source, before, kept, isKnown };
  });
  // A source that is read says how its files looked. The certificate store looks again at one that cannot be read.
  const isMany = wanted.length > FEW_SOURCES;
  const looksOf = await lookOnce(
    wanted.flatMap(({ source, kept, isKnown }) =>
      (isKnown && leavesToWatch) || (isMany && kept === undefined) ? [] : [source],
    ),
  );
  const looked = wanted.map((one) => {
    const looks = looksOf.get(one.source);
    const isSame = one.isKnown && (looks === undefined || looks === one.kept?.looks);
    return { ...one, looks: looks ?? UNKNOWN_LOOKS, same: isSame ? one.kept : undefined };
  });
  const readCount = looked.filter(({ same }) => same === undefined).length;
  using bulk = readCount > FEW_SOURCES ? new FileReads() : undefined;
  const reading = bulk === undefined ? parts : { ...parts, readFile: bulk.read };
  return await inTurn(
    looked,
    async ({ source, before, kept, looks, same }) => ({
      entry:
        same === undefined
          ? await readEntry(source, before, reading, nowMs, looks)
          : { ...same, source },
      kept,
    }),
    bulk === undefined ? undefined : BULK,
  );
}

/** Keeps the version in force if a new one would make a listener unusable that works with the version in force. */
function judgeRenewals(
  document: Document,
  loaded: readonly Loaded<CertificateVersion>[],
  untouched: SourceEntries["certificates"],
): readonly Loaded<CertificateVersion>[] {
  if (!loaded.some(({ kept }) => kept !== undefined)) return loaded;
  const untouchedOnes = untouched.values().map((entry) => ({ entry, kept: entry }));
  const before = new Map(
    [...untouchedOnes, ...loaded].flatMap(({ entry, kept }) => {
      const version = kept?.version ?? entry.version;
      return version === undefined ? [] : [[entry.source.key, version] as const];
    }),
  );
  const tally = new KeyTypeTally(document, before);
  return loaded.map((one) => {
    const { entry, kept } = one;
    if (kept === undefined) return one;
    return { entry: tally.judge({ ...kept, source: entry.source }, entry), kept };
  });
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

const byKey = <Version extends SourceVersion>(
  loaded: readonly Loaded<Version>[],
): ReadonlyMap<string, SourceEntry<Version>> =>
  new Map(loaded.map(({ entry }) => [entry.source.key, entry]));
