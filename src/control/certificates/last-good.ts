/** What a start serves in place of files that cannot be used. */
import { createHash } from "node:crypto";
import { problemOf } from "#model/problem.ts";
import { lacksFile, tryFilesText } from "./document-sources.ts";
import { inTurn } from "./in-turn.ts";
import type { KeptCertificates, LastGood } from "./kept-certificates.ts";
import {
  isEarly,
  judgeReplacement,
  tryOut,
  type ReadingParts,
  type SourceEntries,
  type SourceEntry,
} from "./source-entry.ts";
import { SourceProblem } from "./source-problem.ts";
import type { CertificateVersion } from "./sources.ts";

type Entry = SourceEntry<CertificateVersion>;

export interface LastGoodParts extends Pick<ReadingParts, "reader" | "trial"> {
  readonly kept: KeptCertificates;
}

/**
 * Returns the entries in which a version that the director kept takes the place of files that cannot be used, or that make something
 * worse. Files that were deleted have no kept version.
 */
export async function lastGoodEntries(
  { certificates }: SourceEntries,
  parts: LastGoodParts,
  nowMs: number,
): Promise<ReadonlyMap<string, Entry>> {
  const { kept } = parts;
  if (kept.hasFiles(digestOfFiles(certificates))) return new Map();
  await kept.load();
  const found = [...certificates.values()].flatMap((entry) => {
    const lastGood = lastGoodOf(entry, kept);
    return lastGood === undefined ? [] : [{ entry, lastGood }];
  });
  const entries = await inTurn(found, ({ entry, lastGood }) =>
    withLastGood(entry, lastGood, parts, nowMs),
  );
  return new Map(
    entries
      .filter((entry, at) => entry !== found[at]?.entry)
      .map((entry) => [entry.source.key, entry]),
  );
}

/** Whether a sealed copy of the version in use may be kept. */
export const mayKeep = ({ source, looks }: Entry): boolean =>
  source.keepsLastGood && !lacksFile(looks);

/** Identifies what is to be kept of all certificates in files: their versions, from which files they come, and whether with the key. */
export function digestOfFiles(certificates: SourceEntries["certificates"]): string {
  const known = knownDigests.get(certificates);
  if (known !== undefined) return known;
  const lines = [...certificates.values()].flatMap((entry) => lineOf(entry));
  const digest = createHash("sha256").update(lines.toSorted().join("\n")).digest("base64url");
  knownDigests.set(certificates, digest);
  return digest;
}

/** Entries are immutable, and those before and after a change have most of them in common. */
const knownDigests = new WeakMap<SourceEntries["certificates"], string>();
const knownLines = new WeakMap<Entry, readonly string[]>();

function lineOf(entry: Entry): readonly string[] {
  const known = knownLines.get(entry);
  if (known !== undefined) return known;
  const { source, version, staged } = entry;
  const files = tryFilesText(source);
  const lines =
    files === undefined
      ? []
      : [JSON.stringify([source.key, version?.id, staged?.id, mayKeep(entry), files])];
  knownLines.set(entry, lines);
  return lines;
}

function lastGoodOf(entry: Entry, kept: KeptCertificates): LastGood | undefined {
  const { source, version } = entry;
  const files = tryFilesText(source);
  if (files === undefined || !mayKeep(entry)) return undefined;
  return kept.lastGood(source.key, files, version?.id);
}

async function withLastGood(
  entry: Entry,
  lastGood: LastGood,
  parts: LastGoodParts,
  nowMs: number,
): Promise<Entry> {
  const { source, version, refusals } = entry;
  if (lastGood.facts.notAfterMs <= nowMs) return entry;
  const replaced = { before: lastGood, isLapsed: false };
  const reasons =
    version === undefined ? refusals : judgeReplacement(source, replaced, version, nowMs).refusals;
  if (reasons.length === 0) return entry;
  try {
    const { place } = source;
    const read = await parts.kept.readActive(source.key, place, parts.reader);
    if (parts.trial !== undefined) await tryOut(source, read.version, parts.trial);
    const message = `Version ${lastGood.version}, which the director kept, is served in place of the files.`;
    return {
      source,
      version: read.version,
      looks: entry.looks,
      refusals: reasons,
      warnings: [...read.warnings, problemOf("last-good-served", place, message)],
      ...(version !== undefined && isEarly(reasons) ? { staged: version } : {}),
    };
  } catch (error) {
    if (!(error instanceof SourceProblem)) throw error;
    const message = `Version ${lastGood.version}, which the director kept, cannot be served in place of the files. ${error.message}`;
    const warning = problemOf("last-good-unusable", source.place, message);
    return { ...entry, warnings: [...entry.warnings, warning] };
  }
}
