import { isDeepStrictEqual } from "node:util";
import type { Document, Revision } from "#model/document.ts";
import { DirectorError, type Problem } from "#model/failure.ts";
import type { Snapshot } from "#model/snapshot.ts";
import type { Engine } from "#model/status.ts";
import type { Sources } from "./certificates/sources.ts";
import { checkEngine } from "./check-engine.ts";
import { compileSnapshot, type Compiled } from "./compile-snapshot.ts";
import type { RevisionStore, StoredDocument } from "./state/revision-store.ts";
import { Rollout, type Electorate } from "./workers/rollout.ts";

/** What every worker serves, or will before it accepts. */
export interface StateInForce {
  readonly revision: Revision;
  /** False for a document that a director started with and could not save. */
  readonly isSaved: boolean;
  readonly document: Document;
  readonly sources: Sources;
  readonly compiled: Compiled;
  /** ISO 8601. */
  readonly changedAt: string;
}

/** What is wanted instead of the state in force: another document, or the same with new certificate files. */
export interface WantedState {
  /** Undefined where a problem is an error. */
  readonly document: Document | undefined;
  readonly sources: Sources | undefined;
  readonly problems: readonly Problem[];
  /** For a document that is not to be saved: what is known of it. */
  readonly known?: Pick<StateInForce, "revision" | "isSaved">;
}

export interface ChangeParts {
  readonly electorate: Electorate;
  /** Of all workers. */
  readonly engine: Engine;
  readonly store: RevisionStore;
  readonly workers: number;
  /** Of a worker that listens on so many ports. */
  readonly connectionsPerWorker: (listeners: number) => number;
  /** Never the same again: a worker may have seen one whose change was turned down. */
  readonly nextNumber: () => number;
  /** Tries the addresses that are in the second and not in the first. */
  readonly probe: (before: Snapshot | undefined, after: Snapshot) => Promise<void>;
}

/**
 * The way of a change: check, compile, try the new addresses, prepare on every worker, save, commit on every worker.
 * Resolves to the state that is then in force, which is `before` itself where nothing differs. Throws DirectorError, and
 * then every byte goes on as before. The save is the decision: after it nothing fails.
 */
export async function changeDocument(
  before: StateInForce | undefined,
  wanted: WantedState,
  parts: ChangeParts,
): Promise<StateInForce> {
  const { document, sources, problems } = wanted;
  if (document === undefined || sources === undefined) {
    throw new DirectorError("document-invalid", undefined, { problems });
  }
  const isSettled = before?.isSaved === true || wanted.known !== undefined;
  if (before !== undefined && isSettled && isSame(before, document, sources)) return before;
  const known = wanted.known ?? (await knownOf(before, document, parts.store));
  checkEngine(document, sources, parts.engine);

  const { revision } = known;
  const isToSave = !known.isSaved && wanted.known === undefined;
  const compiled = compileSnapshot({
    number: parts.nextNumber(),
    revision,
    document,
    sources,
    workers: parts.workers,
    connectionsPerWorker: parts.connectionsPerWorker,
  });
  await parts.probe(before?.compiled.snapshot, compiled.snapshot);

  const rollout = new Rollout(parts.electorate, compiled);
  await rollout.prepare();
  try {
    if (isToSave) await save(parts.store, revision, storedOf(document));
  } catch (error) {
    await rollout.rollBack();
    throw error;
  }
  await rollout.commit();
  const isSaved = known.isSaved || isToSave;
  return { revision, isSaved, document, sources, compiled, changedAt: new Date().toISOString() };
}

/** The revision that the document has or, if it is not in the store, gets. A document that is in force needs no look there. */
async function knownOf(
  before: StateInForce | undefined,
  document: Document,
  store: RevisionStore,
): Promise<Pick<StateInForce, "revision" | "isSaved">> {
  if (before?.isSaved === true && isDeepStrictEqual(before.document, document)) return before;
  const saved = await store.latest();
  if (saved !== undefined && isDeepStrictEqual(saved.document, storedOf(document))) {
    return { revision: saved.revision, isSaved: true };
  }
  return { revision: Math.max(saved?.revision ?? 0, before?.revision ?? 0) + 1, isSaved: false };
}

/** Whether workers would notice nothing. */
function isSame(before: StateInForce, document: Document, sources: Sources): boolean {
  return (
    isDeepStrictEqual(before.document, document) &&
    isDeepStrictEqual(idsOf(before.sources), idsOf(sources))
  );
}

const idsOf = ({ certificates, trusts }: Sources): ReadonlyMap<string, string> =>
  new Map([...certificates, ...trusts].map(([key, { id }]) => [key, id]));

/** As it will be read from the store: start-up settings are not part of it. */
function storedOf(document: Document): StoredDocument {
  const { servers, profiles, certificates, policies } = document;
  const stored = { servers, profiles, certificates, policies } satisfies StoredDocument;
  return JSON.parse(JSON.stringify(stored)) as StoredDocument;
}

/** When it is not known whether a save came to be, reading it back tells. */
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
