import { isDeepStrictEqual } from "node:util";
import type { Document, Revision } from "#model/document/document.ts";
import { DirectorError, type Problem } from "#model/failure.ts";
import type { Snapshot } from "#model/records/snapshot.ts";
import { sourcesOf } from "./certificates/source-entry.ts";
import type { Sources } from "./certificates/sources.ts";
import type { Change, ChangeResult, StateInForce, Wanted } from "./change.ts";
import { differenceOf, NO_DIFFERENCE, type ChangeDifference } from "./change-difference.ts";
import { documentRefusal } from "./check-file.ts";
import { compileSnapshot } from "./compile-snapshot.ts";
import type { RevisionStore, StoredDocument } from "./state/revision-store.ts";
import { Rollout, type Participants } from "./workers/rollout.ts";

export interface ChangeParts {
  readonly participants: Participants;
  readonly store: RevisionStore;
  readonly workers: number;
  /** Returns how many connections a worker may have if it has that many listeners. */
  readonly connectionsPerWorker: (listeners: number) => number;
  /** Returns a number that no snapshot has had, because a worker may remember the snapshot of a refused change. */
  readonly nextNumber: () => number;
  /** Checks that the addresses in `after` that are not in `before` can be bound. Throws DirectorError. */
  readonly probe: (before: Snapshot | undefined, after: Snapshot) => Promise<void>;
}

/**
 * Carries out one change: compiles a snapshot, probes the new addresses, prepares every worker, saves, and commits on every
 * worker. Throws DirectorError, with all problems if the document has errors. The previous state then stays in force and no
 * connection is affected. The save decides the change: nothing after it can fail. The caller makes sure that only one change
 * runs at a time.
 */
export async function applyChange(
  before: StateInForce | undefined,
  change: Change,
  parts: ChangeParts,
): Promise<ChangeResult> {
  refuseConflict(before, change.expectedRevision);
  const target = targetOf(before, change.wanted);
  const { document, sources, warnings } = target;
  if (before !== undefined && isInForce(before, target)) {
    const { revision } = before;
    const difference = (): ChangeDifference => NO_DIFFERENCE;
    return { revision, isChanged: false, difference, warnings, before, after: before };
  }
  const known = target.known ?? (await knownOf(before, document, parts.store));
  const { revision } = known;
  const compiled = compileSnapshot({
    number: parts.nextNumber(),
    document,
    sources,
    workers: parts.workers,
    connectionsPerWorker: parts.connectionsPerWorker,
  });
  await parts.probe(before?.compiled.snapshot, compiled.snapshot);

  const difference = (): ChangeDifference => differenceOf(before, target);
  const result = { revision, isChanged: true, difference, warnings, before };
  const rollout = new Rollout(parts.participants, compiled);
  if (change.dryRun === true) {
    await rollout.dryRun();
    return { ...result, after: before };
  }
  await rollout.prepare();
  const isToSave = !known.isSaved && target.known === undefined;
  try {
    if (isToSave) await save(parts.store, revision, storedOf(document));
  } catch (error) {
    await rollout.rollBack();
    throw error;
  }
  // The commit must follow the save immediately.
  await rollout.commit();
  const isSaved = known.isSaved || isToSave;
  const changedAt = new Date().toISOString();
  return { ...result, after: { revision, isSaved, document, sources, compiled, changedAt } };
}

function refuseConflict(before: StateInForce | undefined, expected: Revision | undefined): void {
  const inForce = before?.revision ?? 0;
  if (expected === undefined || expected === inForce) return;
  const detail = `Revision ${expected} was expected, and revision ${inForce} is in force.`;
  throw new DirectorError("revision-conflict", detail);
}

interface Target {
  readonly document: Document;
  readonly sources: Sources;
  readonly warnings: readonly Problem[];
  /** The revision of the document if it need not be saved. */
  readonly known: Known | undefined;
}

type Known = Pick<StateInForce, "revision" | "isSaved">;

function targetOf(before: StateInForce | undefined, wanted: Wanted): Target {
  if (wanted.kind === "certificates") {
    if (before === undefined) throw new DirectorError("not-ready");
    return { document: before.document, sources: wanted.sources, warnings: [], known: before };
  }
  const { document, entries, problems } = wanted.checked;
  if (document === undefined || entries === undefined) throw documentRefusal(problems);
  const sources = sourcesOf(entries);
  // Settings under `director` take effect only at the start.
  const director = before?.document.director ?? document.director;
  const { known } = wanted;
  return { document: { ...document, director }, sources, warnings: problems, known };
}

/** Returns the revision of the document or, if it is not saved yet, the next free one. Reads the store only if necessary. */
async function knownOf(
  before: StateInForce | undefined,
  document: Document,
  store: RevisionStore,
): Promise<Known> {
  if (before?.isSaved === true && isDeepStrictEqual(before.document, document)) return before;
  const saved = await store.latest();
  if (saved !== undefined && isDeepStrictEqual(saved.document, storedOf(document))) {
    return { revision: saved.revision, isSaved: true };
  }
  return { revision: Math.max(saved?.revision ?? 0, before?.revision ?? 0) + 1, isSaved: false };
}

/** Returns true if there is nothing to save and nothing would change for the workers. */
function isInForce(before: StateInForce, { document, sources, known }: Target): boolean {
  return (
    (before.isSaved || known !== undefined) &&
    isDeepStrictEqual(before.document, document) &&
    isDeepStrictEqual(idsOf(before.sources), idsOf(sources))
  );
}

const idsOf = ({ certificates, trusts }: Sources): ReadonlyMap<string, string> =>
  new Map([...certificates, ...trusts].map(([key, { id }]) => [key, id]));

/** Returns the document as the store will return it. Settings under `director` are not saved. */
function storedOf(document: Document): StoredDocument {
  const { servers, profiles, certificates, policies } = document;
  const stored = { servers, profiles, certificates, policies } satisfies StoredDocument;
  return JSON.parse(JSON.stringify(stored)) as StoredDocument;
}

/** Saves the document. If the save fails, the store is read to find out whether the document was saved in spite of the error. */
async function save(
  store: RevisionStore,
  revision: Revision,
  document: StoredDocument,
): Promise<void> {
  try {
    await store.save(revision, document);
  } catch (cause) {
    if ((await store.latest())?.revision === revision) return;
    if (cause instanceof DirectorError) throw cause;
    throw new DirectorError("state-unwritable", String(cause), { cause });
  }
}
