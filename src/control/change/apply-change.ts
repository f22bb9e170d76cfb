import type { Document, Revision } from "#model/document/document.ts";
import type { WrittenDocument } from "#model/document/written-document.ts";
import { DirectorError } from "#model/failure.ts";
import type { Snapshot } from "#model/records/snapshot.ts";
import type { DocumentStore, NewRevision } from "../state/document-store.ts";
import type { Compiled } from "../compile-snapshot.ts";
import { absencesFrom, type Absences } from "../network/absence.ts";
import { heldAfter, type Obstacles } from "../network/find-obstacles.ts";
import { listenersShownAnew, proofTargetsOf } from "../workers/proof-targets.ts";
import type { CertificateProver } from "../workers/certificate-prover.ts";
import { Rollout, type Participants } from "../workers/rollout.ts";
import type { ChangeRequest, ChangeResult, StateInForce, Wanted } from "./change.ts";
import type { CutSchedule } from "./cut-schedule.ts";
import { isSameDocumentAs, planChange, type PlanParts } from "./plan-change.ts";

export interface ChangeParts extends PlanParts {
  readonly participants: Participants;
  readonly store: DocumentStore;
  /**
   * Decides which profiles standby servers serve with the document. Returns their names. It is called when the document has
   * been saved.
   */
  readonly decideStandby: (document: Document, snapshot: Snapshot) => readonly string[];
  /** Returns the names of the profiles that standby servers serve now. */
  readonly onStandby: () => readonly string[];
  readonly cuts: CutSchedule;
  /** Whether the sessions of a listener can go on with another certificate. It depends on the engine. */
  readonly keepsSessions: boolean;
  readonly prover: Pick<CertificateProver, "warmUp" | "prove">;
  /** Finds out which addresses of `after` that workers do not hold cannot be bound. */
  readonly findObstacles: (held: ReadonlySet<string>, after: Snapshot) => Promise<Obstacles>;
}

const NOTHING_HELD: ReadonlySet<string> = new Set();

/**
 * Carries out one change: compiles a snapshot, probes the new addresses, prepares every worker, saves, and commits on every
 * worker. Throws DirectorError, with all problems if the document has errors. The previous state then stays in force and no
 * connection is affected. The save decides the change: nothing after it can fail. The caller makes sure that only one change
 * runs at a time.
 */
export async function applyChange(
  before: StateInForce | undefined,
  wanted: Wanted,
  why: Pick<ChangeRequest, "by" | "reason" | "cut" | "forgetsSessions">,
  parts: ChangeParts,
): Promise<ChangeResult> {
  parts.cuts.refuseIfFull(why.cut);
  const planning = planChange(before, wanted, parts, why.forgetsSessions);
  const { target, compiled: planned, ticketEpochs, ...plan } = planning;
  if (planned === undefined && before !== undefined) {
    await saveVersions(wanted);
    await noteFile(wanted, parts.store);
    if (why.cut !== undefined) {
      parts.cuts.follow(before.document, before.document, why.cut, parts.onStandby());
      parts.participants.tellCuts();
    }
    return { ...plan, after: before };
  }
  if (planned === undefined) throw new TypeError("Nothing is in force, so everything is new.");
  const { document, written, sources } = target;
  const held = before?.held ?? NOTHING_HELD;
  const known = target.known ?? (await knownOf(before, written, parts.store));
  const obstacles = await parts.findObstacles(held, planned.snapshot);
  const [obstacle] = obstacles.values();
  // A start with a document that was served before serves what can be served, as the watch of addresses does.
  const isServedBefore = before === undefined && known.isSaved;
  if (obstacle !== undefined && !isServedBefore) throw obstacle;
  const absences = new Map([...target.absences, ...absencesFrom(obstacles)]);
  const compiled = withoutIps(planned, absences);
  const targets =
    before === undefined ? [] : proofTargetsOf(before.compiled.snapshot, compiled, sources);
  if (targets.length > 0) parts.prover.warmUp();
  const rollout = new Rollout(parts.participants, compiled);
  await rollout.prepare();
  const isToSave = !known.isSaved && target.known === undefined;
  try {
    if (isToSave) await save(parts.store, revisionOf(known.revision - 1, written, wanted, why));
    else {
      await saveVersions(wanted);
      await noteFile(wanted, parts.store);
    }
  } catch (error) {
    await rollout.rollBack();
    throw error;
  }
  // The commit must follow the save immediately. The workers get the cuts with it.
  const onStandby = parts.decideStandby(document, compiled.snapshot);
  parts.cuts.follow(before?.document ?? document, document, why.cut, onStandby);
  await rollout.commit(onStandby);
  const proof = targets.length === 0 ? {} : { proof: await parts.prover.prove(targets) };
  const { revision } = known;
  const isSaved = known.isSaved || isToSave;
  const changedAt = new Date().toISOString();
  const endsSessions = targets.length > 0 && (!parts.keepsSessions || why.forgetsSessions === true);
  const endsSessionsOf = endsSessions
    ? { endsSessionsOf: listenersShownAnew(before?.compiled.snapshot, compiled.snapshot) }
    : {};
  return {
    ...plan,
    ...proof,
    ...endsSessionsOf,
    after: {
      ...{ revision, isSaved, document, written, sources, absences, compiled, changedAt },
      ticketEpochs,
      held: heldAfter(held, compiled.snapshot),
    },
  };
}

const withoutIps = ({ snapshot, material }: Compiled, absences: Absences): Compiled => ({
  snapshot: { ...snapshot, absentIps: [...absences.keys()] },
  material,
});

type Known = Pick<StateInForce, "revision" | "isSaved">;

/** Returns the revision of a document that is in the store already, as at a start, or else the next free one. */
async function knownOf(
  before: StateInForce | undefined,
  written: WrittenDocument,
  store: DocumentStore,
): Promise<Known> {
  const latest = await store.latest();
  // If the database was removed while the director ran, the numbers go on.
  const last = before?.isSaved === true ? before.revision : 0;
  const revision = latest?.record.revision ?? last;
  return latest !== undefined && isSameDocumentAs(latest.document, written)
    ? { revision, isSaved: true }
    : { revision: revision + 1, isSaved: false };
}

const revisionOf = (
  parent: Revision,
  document: WrittenDocument,
  wanted: Wanted,
  { by, reason }: Pick<ChangeRequest, "by" | "reason">,
): NewRevision => {
  const { file, cause = "change", undoes, versions } = wanted.kind === "document" ? wanted : {};
  return {
    parent,
    document,
    by,
    cause,
    ...(file === undefined ? {} : { file }),
    ...(reason === undefined ? {} : { reason }),
    ...(undoes === undefined ? {} : { undoes }),
    ...(versions === undefined ? {} : { advance: versions.save }),
  };
};

/** Saves versions of certificates of a document that is saved already. */
async function saveVersions(wanted: Wanted): Promise<void> {
  if (wanted.kind !== "document" || wanted.versions === undefined) return;
  if (!(await wanted.versions.save())) throw new DirectorError("revision-conflict");
}

/** Saves the document. If the save fails, the store is read to find out whether the document was saved in spite of the error. */
async function save(store: DocumentStore, revision: NewRevision): Promise<void> {
  try {
    await store.save(revision);
  } catch (cause) {
    if (await wasSaved(store, revision)) return;
    if (cause instanceof DirectorError) throw cause;
    throw new DirectorError("state-unwritable", String(cause), { cause });
  }
}

/** Throws `outcome-unknown` if the store cannot be read. */
async function wasSaved(store: DocumentStore, { parent, document }: NewRevision): Promise<boolean> {
  const latest = await store.latest().catch((cause: unknown) => {
    const detail = `Look whether revision ${parent + 1} is the change.`;
    throw new DirectorError("outcome-unknown", detail, { cause });
  });
  return (
    latest !== undefined &&
    latest.record.revision === parent + 1 &&
    isSameDocumentAs(latest.document, document)
  );
}

/** The document of the file is in force. If that cannot be noted, the store raises a notice and the next reload tries again. */
async function noteFile(wanted: Wanted, store: DocumentStore): Promise<void> {
  if (wanted.kind !== "document" || wanted.file === undefined) return;
  try {
    await store.noteFile(wanted.file);
  } catch (error) {
    if (!(error instanceof DirectorError)) throw error;
  }
}
