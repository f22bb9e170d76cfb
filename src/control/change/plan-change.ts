import type { Document } from "#model/document/document.ts";
import { differenceByPath, type PathChange } from "#model/document/path-change.ts";
import type { WrittenDocument } from "#model/document/written-document.ts";
import { DirectorError, type Problem } from "#model/failure.ts";
import type { ListenerName } from "#model/names.ts";
import { isSameJson, type JsonMap } from "#model/json.ts";
import { sourcesOf } from "../certificates/source-entry.ts";
import type { Sources, SourceVersion } from "../certificates/sources.ts";
import { documentRefusal } from "../check-file.ts";
import { compileSnapshot, tryRebind, type Compiled } from "../compile-snapshot.ts";
import { absenceOf, isSameAbsences, wantedIpsOf, type Absences } from "../network/absence.ts";
import type { TicketEpochs } from "../listener-owner.ts";
import { listenersShownAnew } from "../workers/proof-targets.ts";
import { keysThatDiffer } from "../patched-map.ts";
import { refuseTooLarge } from "../workers/rollout.ts";
import type { ChangePlan, StateInForce, Wanted } from "./change.ts";
import { effectOf, type ChangeEffect } from "./change-effect.ts";

export interface PlanParts {
  readonly workers: number;
  /** Returns how many connections a worker may have if it has that many listeners. */
  readonly connectionsPerWorker: (listeners: number) => number;
  /** Returns a number that no snapshot has had, because a worker may remember the snapshot of a refused change. */
  readonly nextNumber: () => number;
}

/** The state that a change leads to. */
export interface Target {
  readonly document: Document;
  readonly written: WrittenDocument;
  readonly sources: Sources;
  readonly absences: Absences;
  readonly warnings: readonly Problem[];
  /** Whether the document in force is the same. */
  readonly isSameDocument: boolean;
  /** The revision of the document if it need not be saved. */
  readonly known: Pick<StateInForce, "revision" | "isSaved"> | undefined;
}

/** `compiled` is undefined if the workers serve the wanted state already. */
export interface PlannedChange extends ChangePlan {
  readonly target: Target;
  readonly ticketEpochs: TicketEpochs;
  readonly compiled: Compiled | undefined;
}

const NO_EFFECT: ChangeEffect = { opens: [], closes: [], changes: [] };

/**
 * Computes what a change would do, without asking a worker, opening a socket or writing anything. Throws DirectorError, with all
 * problems if the document has errors.
 */
export function planChange(
  before: StateInForce | undefined,
  wanted: Wanted,
  parts: PlanParts,
  forgetsSessions = false,
): PlannedChange {
  const target = targetOf(before, wanted);
  const { document, written, sources, warnings } = target;
  const versions = wanted.kind === "document" ? (wanted.versions?.changes ?? []) : [];
  const epochsBefore: TicketEpochs = before?.ticketEpochs ?? new Map();
  const isForced = wanted.kind === "addresses" && wanted.isForced;
  if (before !== undefined && !isForced && isInForce(before, target)) {
    const nothing = { changes: () => [], effect: () => NO_EFFECT };
    const same = { warnings, before, target, ticketEpochs: epochsBefore, compiled: undefined };
    return { isChanged: versions.length > 0, ...nothing, versions, ...same };
  }
  const { workers, connectionsPerWorker } = parts;
  const number = parts.nextNumber();
  const absentIps = target.absences.keys();
  const limits = { workers, connectionsPerWorker };
  const compileIn = (ticketEpochs: TicketEpochs): Compiled => {
    const input = { number, document, sources, absentIps, ticketEpochs, ...limits };
    const rebound =
      before !== undefined && ticketEpochs === epochsBefore ? tryRebind(before, input) : undefined;
    return rebound ?? compileSnapshot(input);
  };
  const sameEpoch = compileIn(epochsBefore);
  const ticketEpochs = forgetsSessions
    ? nextEpochs(epochsBefore, listenersShownAnew(before?.compiled.snapshot, sameEpoch.snapshot))
    : epochsBefore;
  const compiled = ticketEpochs === epochsBefore ? sameEpoch : compileIn(ticketEpochs);
  refuseTooLarge(compiled, before?.compiled);
  let difference: readonly PathChange[] | undefined;
  return {
    isChanged: true,
    changes: () => (difference ??= differenceByPath(before?.written ?? {}, written)),
    effect: () => effectOf(before?.compiled.snapshot, compiled.snapshot),
    warnings,
    versions,
    before,
    target,
    ticketEpochs,
    compiled,
  };
}

function nextEpochs(epochs: TicketEpochs, listeners: readonly ListenerName[]): TicketEpochs {
  const next = listeners.map((name) => [name, (epochs.get(name) ?? 0) + 1] as const);
  return new Map([...epochs, ...next]);
}

function targetOf(before: StateInForce | undefined, wanted: Wanted): Target {
  if (wanted.kind !== "document") {
    if (before === undefined) throw new DirectorError("not-ready");
    const { document, written, sources, absences } = before;
    const same = { document, written, warnings: [], isSameDocument: true, known: before };
    return wanted.kind === "certificates"
      ? { ...same, sources: wanted.sources, absences }
      : { ...same, sources, absences: wanted.absences };
  }
  const { document, written, entries, problems, absentIps } = wanted.checked;
  if (document === undefined || written === undefined || entries === undefined) {
    throw documentRefusal(problems);
  }
  // Settings under `director` take effect only at the start.
  const director = before?.document.director ?? document.director;
  const isSameDocument = before !== undefined && isSameDocumentAs(before.written, written);
  const knownBefore = isSameDocument && before.isSaved ? before : undefined;
  return {
    document: isSameDocument ? before.document : { ...document, director },
    written,
    sources: sourcesOf(entries),
    absences: absencesOf(before, document, absentIps),
    warnings: problems,
    isSameDocument,
    known: wanted.known ?? knownBefore,
  };
}

/**
 * A virtual IP that is absent in the state in force stays so: only the watch of addresses brings it back, because a listener
 * that cannot be opened then must not make a change of the document fail.
 */
function absencesOf(
  before: StateInForce | undefined,
  document: Document,
  absentIps: ReadonlySet<string> | undefined,
): Absences {
  const absences = wantedIpsOf(document).flatMap((ip) => {
    const absence = before?.absences.get(ip) ?? (absentIps?.has(ip) ? absenceOf(ip) : undefined);
    return absence === undefined ? [] : [[ip, absence] as const];
  });
  return new Map(absences);
}

/** Returns true if there is nothing to save and nothing would change for the workers. */
function isInForce(
  before: StateInForce,
  { isSameDocument, sources, absences, known }: Target,
): boolean {
  return (
    isSameDocument &&
    (before.isSaved || known !== undefined) &&
    isSameAbsences(before.absences, absences) &&
    areSameVersions(before.sources.certificates, sources.certificates) &&
    areSameVersions(before.sources.trusts, sources.trusts)
  );
}

/** Documents have the parts in common that no change touched, so most of a large document need not be looked at. */
export const isSameDocumentAs = (one: WrittenDocument, other: WrittenDocument): boolean =>
  isSameJson(one as JsonMap, other as JsonMap);

function areSameVersions(
  before: ReadonlyMap<string, SourceVersion>,
  after: ReadonlyMap<string, SourceVersion>,
): boolean {
  const differing = keysThatDiffer(before, after);
  if (differing !== undefined) {
    return differing.every((key) => before.get(key)?.id === after.get(key)?.id);
  }
  if (before.size !== after.size) return false;
  for (const [key, { id }] of after) if (before.get(key)?.id !== id) return false;
  return true;
}
