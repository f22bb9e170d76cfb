import type { Document } from "#model/document/document.ts";
import type { Problem } from "#model/failure.ts";
import { asWarning, isError, problemOf } from "#model/problem.ts";
import type { Engine } from "#model/records/status.ts";
import { withPatches } from "../patched-map.ts";
import type { MaterialReader } from "../reader/material-reader.ts";
import { readBoundedFile } from "../read-bounded-file.ts";
import type { Compared, DocumentSource } from "./document-sources.ts";
import type { ReadFile } from "./file-reads.ts";
import type { KeptCertificates } from "./kept-certificates.ts";
import { readMaterial } from "./read-material.ts";
import { SourceProblem } from "./source-problem.ts";
import type { CertificateVersion, Sources, SourceVersion, TrustVersion } from "./sources.ts";

/** The state of one certificate or CA bundle of a document. */
export interface SourceEntry<Version extends SourceVersion> {
  readonly source: DocumentSource<Version>;
  /** The version in use, or undefined if no version could be used yet. */
  readonly version: Version | undefined;
  /** What `source.look` returned when the source was last read. */
  readonly looks: string;
  /** Why the version that was last read is not in use. The first problem is the reason. Empty if it is in use. */
  readonly refusals: readonly Problem[];
  /** Warnings about the version in use. */
  readonly warnings: readonly Problem[];
  /** The version that was last read, if it is refused only because it is not valid yet. */
  readonly staged?: Version;
}

/** All entries of a document. */
export interface SourceEntries {
  /** The key is the name of the certificate in the document. */
  readonly certificates: ReadonlyMap<string, SourceEntry<CertificateVersion>>;
  /** The key is from `trustKeyOf`. The CA bundle of the system has the key `SYSTEM_TRUST_KEY`. */
  readonly trusts: ReadonlyMap<string, SourceEntry<TrustVersion>>;
}

/** A document in force, with the entries of everything that it names and the versions of these entries. */
export interface DocumentInForce {
  readonly document: Document;
  readonly entries: SourceEntries;
  readonly sources: Sources;
}

/** An entry before and after its source was read. */
export interface Candidate {
  readonly before: SourceEntry<SourceVersion>;
  readonly after: SourceEntry<SourceVersion>;
}

/** A process on the engine of the workers that says whether the engine accepts a certificate or CA bundle. */
export interface EngineTrial {
  readonly engine: Engine;
  readonly process: MaterialReader;
}

export interface ReadingParts {
  readonly reader: MaterialReader;
  /** Undefined if the reader itself runs on the engine of the workers. */
  readonly trial: EngineTrial | undefined;
  /** Default: `readBoundedFile`. */
  readonly readFile?: ReadFile;
  /** Undefined where no director is that keeps certificates. */
  readonly kept?: KeptCertificates;
}

/** A version that is to be used in place of the one in use, and has not been saved yet. */
export interface CandidateVersion {
  readonly version: CertificateVersion;
  readonly warnings: readonly Problem[];
  /** What `look` of the source returns when the version has been saved. */
  readonly looks: string;
  /** Whether it is used although it is not valid now. */
  readonly isForced: boolean;
}

/** Returns why the source provides nothing that can be used and is valid at a time, or undefined if it does. */
export const defectOf = <Version extends SourceVersion>(
  { source, version, refusals }: SourceEntry<Version>,
  nowMs: number,
): Problem | undefined =>
  version === undefined ? refusals[0] : source.problemsAt(version, nowMs).find(isError);

/** Returns the entry with the version that it has, and with the reason why a newer one is not used. */
export const refusedEntry = <Version extends SourceVersion>(
  entry: SourceEntry<Version>,
  looks: string,
  refusal: Problem,
): SourceEntry<Version> => {
  const { staged: _, ...rest } = entry;
  return { ...rest, looks, refusals: [refusal] };
};

const knownSources = new WeakMap<SourceEntries, Sources>();

/** Returns the versions of entries, and the same maps for the same entries, so that later maps can be compared with them. */
export function sourcesOf(entries: SourceEntries): Sources {
  const known = knownSources.get(entries);
  if (known !== undefined) return known;
  const { certificates, trusts } = entries;
  const sources = { certificates: versionsOf(certificates), trusts: versionsOf(trusts) };
  knownSources.set(entries, sources);
  return sources;
}

/**
 * Returns entries and versions with those of the candidates in the place of the entries before. An entry that is not in force any more,
 * because there is another document, is not replaced.
 */
export function withCandidates(
  { entries, sources }: Pick<DocumentInForce, "entries" | "sources">,
  candidates: readonly Candidate[],
): Pick<DocumentInForce, "entries" | "sources"> {
  const certificates = withThose(entries.certificates, sources.certificates, candidates);
  const trusts = withThose(entries.trusts, sources.trusts, candidates);
  const next = {
    entries: { certificates: certificates.entries, trusts: trusts.entries },
    sources: { certificates: certificates.versions, trusts: trusts.versions },
  };
  knownSources.set(next.entries, next.sources);
  return next;
}

function withThose<Version extends SourceVersion>(
  entries: ReadonlyMap<string, SourceEntry<Version>>,
  versions: ReadonlyMap<string, Version>,
  candidates: readonly Candidate[],
) {
  const own = candidates.flatMap(({ before, after }): [string, SourceEntry<Version>][] => {
    const { key } = before.source;
    // Both entries have the same source, so their versions have the same type.
    return entries.get(key) === before ? [[key, after as SourceEntry<Version>]] : [];
  });
  const changed = own.filter(([key, { version }]) => versions.get(key) !== version);
  return {
    entries: withPatches(entries, own),
    versions: withPatches(
      versions,
      changed.map(([key, { version }]) => [key, version] as const),
    ),
  };
}

/**
 * Reads a source and decides which version is used. This function implements the rule of the last good version: a version that
 * cannot be used never replaces a version in use from the same source. A version that is not valid now is used only if there is
 * no other version. The new version must also be as good as the one in use. `looks` is how the files looked at a time before this.
 */
export async function readEntry<Version extends SourceVersion>(
  source: DocumentSource<Version>,
  before: SourceEntry<Version> | undefined,
  parts: ReadingParts,
  nowMs: number,
  looks: string,
): Promise<SourceEntry<Version>> {
  const kept = before?.source.origin === source.origin ? before : undefined;
  const refuse = (refusals: readonly Problem[], seen: string): SourceEntry<Version> => ({
    source,
    version: kept?.version,
    looks: seen,
    refusals,
    warnings: kept?.warnings ?? [],
  });
  try {
    const read = await source.read(parts.reader, parts.readFile ?? readBoundedFile);
    const { version, warnings } = read;
    const inUse = kept?.version;
    const isNew = version.id !== inUse?.id;
    if (isNew && parts.trial !== undefined) await tryOut(source, version, parts.trial);
    const used = { source, version, looks: read.looks, refusals: [], warnings };
    if (!isNew || inUse === undefined) return used;
    const isLapsed = source.problemsAt(inUse, nowMs).some(isError);
    const replaced = { before: inUse, isLapsed };
    const { refusals, losses } = judgeReplacement(source, replaced, version, nowMs);
    if (refusals.length === 0) return { ...used, warnings: [...warnings, ...losses] };
    const refused = refuse(refusals, read.looks);
    return isEarly(refusals) ? { ...refused, staged: version } : refused;
  } catch (error) {
    return refuse(problemsOfError(error, source, parts.reader, kept?.refusals ?? []), looks);
  }
}

/** A version that another may replace. */
export interface Replaced<Version extends SourceVersion> {
  readonly before: Compared<Version>;
  /** Whether it is not valid now. Every version that is valid is better then. */
  readonly isLapsed: boolean;
}

/** Compares a version with one that it may replace. It is refused if it is not valid now, or makes something worse that is not allowed. */
export function judgeReplacement<Version extends SourceVersion>(
  source: DocumentSource<Version>,
  { before, isLapsed }: Replaced<Version>,
  after: Version,
  nowMs: number,
): { readonly refusals: readonly Problem[]; readonly losses: readonly Problem[] } {
  const found = source.lossesBetween(before, after);
  const losses = isLapsed ? found.map(asWarning) : found;
  const lapses = source.problemsAt(after, nowMs).filter(isError);
  // The first refusal is the reason. Until the version is valid, its losses are only announced.
  const refusals =
    lapses.length > 0 ? [...lapses, ...losses.map(asWarning)] : losses.filter(isError);
  return { refusals, losses };
}

/** Whether a version is refused because it is not valid yet. */
export const isEarly = ([reason]: readonly Problem[]): boolean =>
  reason?.code === "certificate-not-yet-valid";

/** Returns the entry with a version that is not saved yet, or why it cannot be used. */
export async function candidateEntry(
  source: DocumentSource<CertificateVersion>,
  { version, warnings, looks }: CandidateVersion,
  { trial, reader }: ReadingParts,
): Promise<SourceEntry<CertificateVersion>> {
  try {
    if (trial !== undefined) await tryOut(source, version, trial);
    return { source, version, looks, refusals: [], warnings };
  } catch (error) {
    const refusals = problemsOfError(error, source, reader, []);
    return { source, version: undefined, looks, refusals, warnings };
  }
}

/** Throws SourceProblem if the engine does not accept the version. */
export async function tryOut<Version extends SourceVersion>(
  source: DocumentSource<Version>,
  version: Version,
  { engine, process }: EngineTrial,
): Promise<void> {
  const { material } = version;
  const pems =
    material.kind === "certificate"
      ? [material.chainPem, material.key.open(), undefined, undefined]
      : [undefined, undefined, material.caPem, material.crlPem];
  const files = pems.map((pem) => (pem === undefined ? undefined : Buffer.from(pem, "latin1")));
  const { reply } = await readMaterial(process, { kind: "trial" }, files, source.place);
  if (reply.refusal === undefined) return;
  throw new SourceProblem(source.engineProblem(version, engine, reply.refusal));
}

/**
 * Returns the problem that ended the reading, followed by the warnings that were found before. An unexpected exception is a bug
 * and not a problem of the files. It is reported, unless the previous reading ended in the same way.
 */
function problemsOfError(
  error: unknown,
  { place }: { readonly place: string },
  reader: MaterialReader,
  before: readonly Problem[],
): readonly Problem[] {
  const problems = error instanceof SourceProblem ? [error.problem, ...error.warnings] : [];
  if (problems.length === 0) {
    const name = error instanceof Error ? error.message : String(error);
    const message = `Reading ${place} ended with an exception: ${name}.`;
    problems.push(problemOf("internal", "", message));
  }
  const code = problems[0]?.code;
  const isFault = code === "internal" || code === "reader-failed";
  if (isFault && before[0]?.code !== code) reader.tellFault(error);
  return problems;
}

const versionsOf = <Version extends SourceVersion>(
  entries: ReadonlyMap<string, SourceEntry<Version>>,
): ReadonlyMap<string, Version> => new Map(pairsOf(entries));

function* pairsOf<Version extends SourceVersion>(
  entries: ReadonlyMap<string, SourceEntry<Version>>,
): Iterable<readonly [string, Version]> {
  for (const [key, { version }] of entries) if (version !== undefined) yield [key, version];
}
