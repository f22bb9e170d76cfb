import type { Document } from "#model/document/document.ts";
import type { Problem } from "#model/failure.ts";
import { problemOf } from "#model/problem.ts";
import {
  certificateSourcesOf,
  isFrom,
  trustSourcesOf,
  type DocumentSource,
  type SourceVersion,
} from "./document-sources.ts";
import { SourceProblem } from "./source-problem.ts";
import type { MaterialReader } from "../reader/material-reader.ts";
import { inTurn } from "./in-turn.ts";
import type { Sources } from "./sources.ts";

export interface LoadedSources {
  readonly sources: Sources;
  readonly problems: readonly Problem[];
}

/**
 * Reads every certificate, CA bundle and CRL that the document names. What cannot be used is a problem and missing from
 * the sources; or, if `lastGood` has a version that came from the same files, stays that version with a warning.
 */
export async function loadSources(
  document: Document,
  folder: string,
  reader: MaterialReader,
  lastGood?: Sources,
  nowMs = Date.now(),
): Promise<LoadedSources> {
  const certificates = await inTurn(certificateSourcesOf(document, folder), (source) =>
    readOrKeep(source, reader, lastGood?.certificates.get(source.key), nowMs),
  );
  const trusts = await inTurn(trustSourcesOf(document, folder), (source) =>
    readOrKeep(source, reader, lastGood?.trusts.get(source.key), nowMs),
  );
  return {
    sources: { certificates: versionsOf(certificates), trusts: versionsOf(trusts) },
    problems: [...certificates, ...trusts].flatMap(({ problems }) => problems),
  };
}

interface Loaded<Version> {
  readonly key: string;
  readonly version: Version | undefined;
  readonly problems: readonly Problem[];
}

async function readOrKeep<Version extends SourceVersion>(
  source: DocumentSource<Version>,
  reader: MaterialReader,
  lastGood: Version | undefined,
  nowMs: number,
): Promise<Loaded<Version>> {
  const { key } = source;
  try {
    const { version, warnings } = await source.read(nowMs, reader);
    return { key, version, problems: warnings };
  } catch (error) {
    const problems = problemsOfError(error, source, reader);
    if (lastGood === undefined || !isFrom(lastGood.files, source.paths)) {
      return { key, version: undefined, problems };
    }
    return { key, version: lastGood, problems: problems.map(asWarning) };
  }
}

/** Where the last good version stays, nothing is refused but the new files. */
export const asWarning = (problem: Problem): Problem => ({ ...problem, severity: "warning" });

/** Why a reading ended, and what else was found. An exception that nobody expected is no problem of the files. */
export function problemsOfError(
  error: unknown,
  { place }: { readonly place: string },
  reader: MaterialReader,
): readonly Problem[] {
  if (error instanceof SourceProblem) {
    const { problem, warnings } = error;
    // What the process said at its end is in the cause.
    if (problem.code === "reader-failed") reader.tellFault(error);
    return [problem, ...warnings];
  }
  reader.tellFault(error);
  const name = error instanceof Error ? error.message : String(error);
  return [problemOf("internal", "", `Reading ${place} ended with an exception: ${name}.`)];
}

const versionsOf = <Version>(loaded: readonly Loaded<Version>[]): ReadonlyMap<string, Version> =>
  new Map(loaded.flatMap(({ key, version }) => (version === undefined ? [] : [[key, version]])));
