/** What a wish does to the inventory, decided when its change has its turn. Every function throws DirectorError. */
import { resourceOf } from "#model/document/resources.ts";
import { DirectorError } from "#model/failure.ts";
import { tryEntry } from "#model/json.ts";
import { isError, pathOf, problemOf } from "#model/problem.ts";
import type { ImportedCertificate } from "../certificates/import/import-certificate.ts";
import { unfitPolicies } from "../certificates/check-usage.ts";
import { certificateProblemsAt } from "../certificates/validity.ts";
import type { StateInForce } from "../change/change.ts";
import type { MaterialReader } from "../reader/material-reader.ts";
import {
  absentCertificate,
  certificateRefusal,
  filesSource,
  refusalOf,
} from "./certificate-refusal.ts";
import type { ImportWish, RemoveWish, RollbackWish, RotateWish } from "./certificate-wishes.ts";
import { rotationProblems, type RotationAllowances } from "./check-rotation.ts";
import type { Inventory } from "./inventory.ts";
import { MAX_STAGED, previousOf, type Origin } from "./plan-versions.ts";
import { allowedCodesOf } from "./rotation-allowances.ts";
import type { ReadCandidate, VersionDraft } from "./version-draft.ts";
import { activeOf, type CertificateRecord, type VersionRecord } from "./version-record.ts";

export interface PlanContext {
  readonly inForce: StateInForce;
  readonly draft: VersionDraft;
  readonly inventory: Pick<Inventory, "readVersion">;
  readonly reader: MaterialReader;
  readonly origin: Omit<Origin, "from">;
  readonly nowMs: number;
}

/** Returns whether the document has to get an entry, because it has none or one of files. */
export function planImport(
  { name, files, replacesFiles }: ImportWish,
  read: ImportedCertificate,
  context: PlanContext,
): boolean {
  const { inForce, draft, origin } = context;
  const known = tryEntry(inForce.document.certificates, name);
  if (known?.source === "files" && !replacesFiles) throw filesSource(name, known);
  const isKept = known?.source === "inventory";
  if (isKept && activeOf(draft.record(name))?.sealedKey !== undefined) {
    const detail = `The inventory has certificate ${name}. \`tlsd rotate certificate ${name}\` replaces its version.`;
    throw new DirectorError("already-exists", detail);
  }
  refuseIfNotValid(name, read, context.nowMs);
  const from = textOfFiles(files);
  const { id } = draft.stage(name, read, { ...origin, from }, notesOf(read), {});
  draft.activate(name, id, read, origin.at);
  return !isKept || resourceOf(inForce.written, "certificates", name) === undefined;
}

/**
 * `read` is what the files of the wish hold, or undefined if it has none. Returns whether the document has to get an entry, because the
 * certificate was only requested or staged before.
 */
export async function planRotation(
  wish: RotateWish,
  read: ImportedCertificate | undefined,
  context: PlanContext,
): Promise<boolean> {
  const { name } = wish;
  const { inForce, draft } = context;
  const isNew =
    tryEntry(inForce.document.certificates, name) === undefined &&
    draft.record(name).versions.length > 0;
  if (!isNew) requireKept(name, context);
  const before = activeOf(draft.record(name))?.facts;
  if (read === undefined) await planStaged(wish, context);
  else planNew(wish, read, context);
  const after = draft.candidates.get(name)?.version.facts;
  if (before !== undefined && after !== undefined && after.keyType !== before.keyType) {
    const unfit = unfitPolicies(inForce.document, name, after.keyType);
    if (unfit.length > 0) throw certificateRefusal(name, unfit);
  }
  return isNew && draft.candidates.has(name);
}

function planNew(wish: RotateWish, read: ImportedCertificate, context: PlanContext): void {
  const { name, material, isStaged } = wish;
  const { draft, origin, nowMs } = context;
  const record = draft.record(name);
  const active = activeOf(record);
  if (active?.material === read.version.id) return;
  const isEarly = read.version.facts.notBeforeMs > nowMs;
  if (active === undefined && !isStaged) refuseIfNotValid(name, read, nowMs);
  const waits = isStaged || isEarly;
  checkAgainst(active, wish, read, isStaged, draft);
  const known = stagedWith(record, read.version.id);
  const activatesItself = isEarly && !isStaged;
  const terms = activatesItself ? { activatesItself, allowed: allowedCodesOf(wish) } : {};
  if (known !== undefined && waits) return draft.setTerms(name, known, terms);
  if (waits) refuseIfMany(name, record);
  const from = textOfFiles(material?.files ?? []);
  const { id } = known ?? draft.stage(name, read, { ...origin, from }, notesOf(read), terms);
  if (!waits) draft.activate(name, id, read, origin.at);
}

async function planStaged(wish: RotateWish, context: PlanContext): Promise<void> {
  const { name, version: id } = wish;
  const { draft, origin, nowMs } = context;
  const record = draft.record(name);
  const version =
    id === undefined
      ? record.versions.findLast(
          ({ state, sealedKey }) => state === "staged" && sealedKey !== undefined,
        )
      : keptVersion(name, record, id);
  if (version === undefined) {
    const detail = `Certificate ${name} has no staged version. Give the files of a new one.`;
    throw new DirectorError("no-version", detail);
  }
  if (version.state === "active") return;
  const read = await readKept(name, version, context);
  const isEarly = read.version.facts.notBeforeMs > nowMs;
  if (version.state !== "staged" || !isEarly) refuseIfNotValid(name, read, nowMs);
  checkAgainst(activeOf(record), wish, read, false, draft);
  if (isEarly) {
    const terms = { activatesItself: true, allowed: allowedCodesOf(wish) };
    return draft.setTerms(name, version, terms);
  }
  draft.activate(name, version.id, read, origin.at);
}

export async function planRollback(wish: RollbackWish, context: PlanContext): Promise<void> {
  requireKept(wish.name, context);
  const { name, version: id, isForced } = wish;
  const { draft, origin, nowMs } = context;
  const record = draft.record(name);
  const version =
    id === undefined
      ? previousOf(record).find(({ sealedKey }) => sealedKey !== undefined)
      : keptVersion(name, record, id);
  if (version === undefined) {
    const detail = `Certificate ${name} has no version before the active one.`;
    throw new DirectorError("no-version", detail);
  }
  if (version.state === "active") return;
  if (version.state === "staged") {
    const detail = `Version ${version.id} of certificate ${name} has never been active. \`tlsd rotate certificate ${name} --to ${version.id}\` makes it active.`;
    throw new DirectorError("no-version", detail);
  }
  const read = await readKept(name, version, context);
  if (!isForced) refuseIfNotValid(name, read, nowMs, FORCE_HINT);
  draft.activate(name, version.id, read, origin.at, isForced);
}

export function planRemoval(
  { name, version: id }: RemoveWish,
  { draft, inForce }: PlanContext,
): void {
  const version = draft.record(name).versions.find((one) => one.id === id);
  if (version === undefined) {
    throw new DirectorError("no-version", `Certificate ${name} has no version ${id}.`);
  }
  const isServed = tryEntry(inForce.document.certificates, name)?.source === "inventory";
  if (version.state === "active" && isServed) {
    const detail = `Version ${id} of certificate ${name} is active. Rotate or remove the certificate.`;
    throw new DirectorError("version-in-use", detail);
  }
  draft.remove(name, version);
}

/** Throws unless the document has the certificate, and has it in the inventory. */
function requireKept(name: string, { inForce }: Pick<PlanContext, "inForce">): void {
  const known = tryEntry(inForce.document.certificates, name);
  if (known === undefined) throw absentCertificate(name);
  if (known.source === "files") throw filesSource(name, known);
}

function keptVersion(name: string, record: CertificateRecord, id: string): VersionRecord {
  const version = record.versions.find((one) => one.id === id);
  if (version === undefined) {
    throw new DirectorError("no-version", `Certificate ${name} has no version ${id}.`);
  }
  if (version.state === "pending") {
    const detail = `Version ${id} of certificate ${name} is a request that no CA has signed yet.`;
    throw new DirectorError("no-version", detail);
  }
  if (version.sealedKey !== undefined) return version;
  const detail = `Version ${id} of certificate ${name} came from files, and its key is not kept.`;
  throw new DirectorError("no-version", detail);
}

async function readKept(
  name: string,
  version: VersionRecord,
  { inventory, reader }: PlanContext,
): Promise<ReadCandidate> {
  try {
    return await inventory.readVersion(name, version, pathOf("certificates", name), reader);
  } catch (error) {
    throw refusalOf(name, error);
  }
}

/** Throws if the version is expired or not valid yet. */
function refuseIfNotValid(
  name: string,
  { version }: ReadCandidate,
  nowMs: number,
  hint?: string,
): void {
  const lapses = certificateProblemsAt(version, pathOf("certificates", name), nowMs).filter(
    isError,
  );
  if (lapses.length === 0) return;
  throw certificateRefusal(
    name,
    lapses.map((lapse) => (hint === undefined ? lapse : { ...lapse, hint })),
  );
}

const FORCE_HINT =
  "Roll back to another version with --to, or to this one all the same with --force.";

/** Throws if the version makes something worse that is not allowed. What is allowed is a warning. */
function checkAgainst(
  active: VersionRecord | undefined,
  { name, ...allowances }: RotationAllowances & { readonly name: string },
  { version, warnings }: ReadCandidate,
  allowsAll: boolean,
  draft: VersionDraft,
): void {
  draft.warnings.push(...warnings);
  if (active?.facts === undefined) return;
  const given = allowsAll ? ALL_ALLOWED : allowances;
  const place = pathOf("certificates", name);
  const problems = rotationProblems(active.facts, version.facts, place, given);
  if (problems.some(isError)) throw certificateRefusal(name, problems);
  draft.warnings.push(...problems);
}

const ALL_ALLOWED: RotationAllowances = {
  allowsFewerNames: true,
  allowsOtherKeyType: true,
  allowsWeakerKey: true,
};

const stagedWith = (record: CertificateRecord, material: string): VersionRecord | undefined =>
  record.versions.find((one) => one.state === "staged" && one.material === material);

function refuseIfMany(name: string, { versions }: CertificateRecord): void {
  if (versions.filter(({ state }) => state === "staged").length < MAX_STAGED) return;
  const message = `Certificate ${name} has ${MAX_STAGED} staged versions already.`;
  throw certificateRefusal(name, [
    problemOf("too-many-versions", pathOf("certificates", name), message),
  ]);
}

const notesOf = ({ notes }: ImportedCertificate): readonly string[] =>
  notes.map(({ message }) => message);

const MAX_FROM_LENGTH = 200;

/** The names are those that the client states. */
const textOfFiles = (files: readonly { readonly name: string }[]): string =>
  files
    .map(({ name }) => name)
    .join(", ")
    .slice(0, MAX_FROM_LENGTH);
