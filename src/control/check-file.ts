import { resolve } from "node:path";
import type { DirectorSettings, Document } from "#model/document/document.ts";
import { DirectorError, isFailureCode, type Problem } from "#model/failure.ts";
import { checkPathLengths, type FoldersOf } from "#model/document/check-paths.ts";
import { checkUse } from "#model/document/check-use.ts";
import {
  addedPaths,
  addsNoPath,
  pathsOf,
  withAbsolutePaths,
  type NamedPath,
} from "#model/document/document-paths.ts";
import { followUpsOf } from "#model/document/follow-ups.ts";
import { explainRemoved } from "#model/document/known-names.ts";
import type { ParsedDocument } from "#model/document/parse-document.ts";
import { resolvePolicy } from "#model/document/policy.ts";
import { checkUnopened } from "#model/document/secrets.ts";
import type { WrittenDocument } from "#model/document/written-document.ts";
import { isJsonMap } from "#model/json.ts";
import { asWarning, isError, pathOf, problemKeyOf, problemOf } from "#model/problem.ts";
import type { Engine } from "#model/records/status.ts";
import { CIPHER_SUITES } from "#model/tls/cipher-suites.ts";
import { checkTrustRoots } from "./certificates/check-trust-roots.ts";
import { checkUsage } from "./certificates/check-usage.ts";
import type { KeptCertificates } from "./certificates/kept-certificates.ts";
import {
  loadSources,
  problemsOf,
  type LoadedSources,
  type LoadOptions,
} from "./certificates/load-sources.ts";
import { lastGoodEntries, type LastGoodParts } from "./certificates/last-good.ts";
import {
  sourcesOf,
  type DocumentInForce,
  type EngineTrial,
  type SourceEntries,
} from "./certificates/source-entry.ts";
import type { Sources } from "./certificates/sources.ts";
import { noteParts } from "./known-parts.ts";
import { wantedIpsOf } from "./network/absence.ts";
import { checkAddresses } from "./network/check-addresses.ts";
import type { LocalAddresses } from "./network/local-addresses.ts";
import { newUseProblems } from "./new-use.ts";
import { checkNewEndpoints } from "./check-new-endpoints.ts";
import { checkRealPaths } from "./check-real-paths.ts";
import { checkOwnSocket } from "./check-own-socket.ts";
import { parseLargeDocument, readDocument, type ReadDocument } from "./read-document.ts";
import type { MaterialReader } from "./reader/material-reader.ts";
import { ownFoldersOf, wantedFoldersOf, type WantedFolders } from "./state/wanted-folders.ts";

export interface CheckedDocument {
  /** The document with all defaults. Undefined if at least one problem is an error. */
  readonly document: Document | undefined;
  /** Undefined if `document` is undefined. */
  readonly written: WrittenDocument | undefined;
  /** The absolute path of the folder to which the paths in the document are relative. */
  readonly folder: string;
  /** Undefined if `document` is undefined. */
  readonly entries: SourceEntries | undefined;
  /** The virtual IPs that this machine does not have. Undefined if `document` is undefined or the addresses are not checked. */
  readonly absentIps?: ReadonlySet<string>;
  readonly problems: readonly Problem[];
  /** Those of the problems that the certificate store reports, because the same files are in force already. */
  readonly problemsInForce: readonly Problem[];
}

/** The engine that will serve the document. */
export interface ServingEngine {
  readonly engine: Engine;
  readonly trial: EngineTrial | undefined;
}

export interface CheckParts {
  readonly reader: MaterialReader;
  /** Returns the engine of a director that starts with these settings, or undefined if there is none. */
  readonly engineOf: (settings: DirectorSettings) => ServingEngine | undefined;
  /** Returns the folders of the director from the command line and the document. If absent, only the document is used. */
  readonly wantedFolders?: (settings: DirectorSettings, folder: string) => WantedFolders;
  /** Finds out which virtual IPs this machine has. If absent, it counts as having all. */
  readonly addresses?: LocalAddresses;
  /** The certificates that the director keeps. If absent, they are not looked up. */
  readonly kept?: KeptCertificates;
}

/**
 * Why a document is checked. A start must not fail because of the files that the document names, because they may have expired
 * since the last start. A change is refused if a file cannot be used, unless the same file is in force already.
 */
export type Purpose = (
  | { readonly kind: "check" | "start" }
  | {
      readonly kind: "change";
      readonly inForce: DocumentInForce | undefined;
      /** The document in force, if the paths that the change adds or alters must be in the folders of `foldersOf`. */
      readonly before?: WrittenDocument;
      /** Whether endpoints that the change adds must be at addresses that are allowed over the API. */
      readonly limitsEndpoints?: boolean;
      /** Versions of certificates that the change adds, and that are not saved yet. */
      readonly candidates?: LoadOptions["candidates"];
    }
) & {
  /** In which folders the files must be, now and whenever they are read again. By default, they can be anywhere. */
  readonly foldersOf?: FoldersOf;
};

const foldersOfDocument = (settings: DirectorSettings, folder: string): WantedFolders =>
  wantedFoldersOf({ dataPath: undefined, runtimePath: undefined }, settings, folder, {});

/**
 * Reads and checks the document in a file and all files that it names. Returns all problems together. If the document itself
 * cannot be read, that is a problem with an empty path.
 */
export async function checkFile(
  path: string,
  purpose: Purpose,
  parts: CheckParts,
): Promise<CheckedDocument> {
  const folder = resolve(path, "..");
  const read = await tryReadDocument(path, parts.reader, purpose.kind === "change");
  if ("problem" in read) {
    const problems = [read.problem];
    return { ...REFUSED, folder, problems, problemsInForce: [] };
  }
  const ownProblems = [...read.problems, ...checkUnopened(read.draft)];
  const checked = await checkRead({ ...read, problems: ownProblems }, folder, purpose, parts);
  const problems = await read.locate(checked.problems);
  const located = new Map(
    checked.problems.map((problem, at) => [problem, problems[at] ?? problem]),
  );
  const problemsInForce = checked.problemsInForce.map((problem) => located.get(problem) ?? problem);
  return { ...checked, problems, problemsInForce };
}

/** Does the same as `checkFile` for a document that was not read from a file. */
export async function checkValue(
  value: unknown,
  folder: string,
  purpose: Purpose,
  parts: CheckParts,
): Promise<CheckedDocument> {
  const parsed = await parseLargeDocument(value, parts.reader, purpose.kind === "start");
  return checkRead(parsed, folder, purpose, parts);
}

/**
 * Does the same for a document that comes over the API. `settings` are those of the start: a document that has settings under
 * `director` is refused. Relative paths are relative to `folder`.
 */
export function checkWanted(
  document: unknown,
  { settings, folder }: { readonly settings: DirectorSettings; readonly folder: string },
  purpose: Purpose,
  parts: CheckParts,
): Promise<CheckedDocument> {
  if (!isJsonMap(document)) return checkValue(document, folder, purpose, parts);
  if (Object.hasOwn(document, "director")) {
    const message = "The settings under `director` are those of the start and cannot be set here.";
    const hint = "Remove it. Set it in the file that --config names, and start the director again.";
    const problems = [problemOf("forbidden-key", "director", message, hint)];
    return Promise.resolve({ ...REFUSED, folder, problems, problemsInForce: [] });
  }
  return checkValue({ ...document, director: settings }, folder, purpose, parts);
}

const REFUSED = { document: undefined, written: undefined, entries: undefined } as const;

async function checkRead(
  parsed: ParsedDocument,
  folder: string,
  purpose: Purpose,
  parts: CheckParts,
): Promise<CheckedDocument> {
  const { problems } = parsed;
  const draft = withAbsolutePaths(parsed.draft, folder);
  const document = parsed.document === undefined ? undefined : draft;
  const written = parsed.written && withAbsolutePaths(parsed.written, folder);
  if (document !== undefined && written !== undefined) noteParts(written, document);
  // The written document has its listeners in another order, and so other places in the problems.
  const paths = pathsOf(draft);
  const surroundings = [
    ...(await checkSurroundings(draft, folder, parts)),
    ...checkPathLengths(paths),
    ...(await checkAddedPaths(paths, written, purpose)),
    ...(purpose.kind === "change" && purpose.limitsEndpoints === true
      ? checkNewEndpoints(draft, purpose.inForce?.document)
      : []),
  ];
  const { entries, ...ofFiles } = await checkSources(draft, folder, purpose, parts);
  const isRefused = document === undefined || surroundings.some(isError);
  // If the document is refused, problems of files stay errors, so that all errors are shown together.
  const isStart = purpose.kind === "start" && !isRefused;
  const found = [
    ...(isStart ? ofFiles.problems.map(asWarning) : ofFiles.problems),
    ...surroundings,
  ];
  const isFollowUp = followUpsOf(problems.filter(isError));
  const placesOf = (some: readonly Problem[]) => new Set(some.map(({ path }) => path));
  const [refused, reported] = [placesOf(problems.filter(isError)), placesOf(problems)];
  const keys = new Set<string>();
  const isNew = (problem: Problem): boolean => {
    // A warning must not hide an error at the same place.
    const isReported = (isError(problem) ? refused : reported).has(problem.path);
    const isKnown = isReported || keys.has(problemKeyOf(problem));
    keys.add(problemKeyOf(problem));
    return !isKnown && !isFollowUp(problem);
  };
  const unused = document === undefined ? [] : checkUse(document);
  const absentIps = document && (await parts.addresses?.absentOf(wantedIpsOf(document)));
  const absent = absentIps && checkAddresses(document, (ip) => absentIps.has(ip));
  const named = [...problems, ...found.filter(isNew), ...unused, ...(absent ?? [])];
  const before = purpose.kind === "change" ? purpose.before : undefined;
  const all =
    before === undefined || !named.some(isError) ? named : explainRemoved(named, before, draft);
  const { problemsInForce } = ofFiles;
  return document === undefined || all.some(isError)
    ? { ...REFUSED, folder, problems: all, problemsInForce }
    : {
        ...{ document, written, folder, entries, problems: all, problemsInForce },
        ...(absentIps === undefined ? {} : { absentIps }),
      };
}

/**
 * Completes a document that was checked before the store was open. What is wrong with the certificates of the inventory is a warning, as
 * at every start.
 */
export async function withKeptCertificates(
  checked: CheckedDocument,
  { reader, engineOf, kept }: CheckParts,
): Promise<CheckedDocument> {
  const { document } = checked;
  if (document === undefined || checked.entries === undefined || kept === undefined) return checked;
  const reading = { reader, trial: engineOf(document.director)?.trial, kept };
  return withLastGood(await withInventory(checked, document, reading), reading);
}

async function withInventory(
  checked: CheckedDocument,
  document: Document,
  reading: LastGoodParts,
): Promise<CheckedDocument> {
  const isKept = (source: string): boolean => source === "inventory";
  if (!Object.values(document.certificates).some(({ source }) => isKept(source))) return checked;
  const { entries } = await loadSources(document, checked.folder, reading, checked.entries, {
    leavesToWatch: true,
  });
  const nowMs = Date.now();
  const found = [...entries.certificates.values()]
    .filter(({ source }) => isKept(source.kind))
    .flatMap((entry) => problemsOf(entry, nowMs))
    .map(asWarning);
  const others = checked.problems.filter(({ code }) => code !== "not-looked-up");
  return { ...checked, entries, problems: [...others, ...found] };
}

/** Serves versions that the director kept in place of files that cannot be used. */
async function withLastGood<
  Checked extends Pick<CheckedDocument, "entries"> & { readonly problems: readonly Problem[] },
>(checked: Checked, reading: LastGoodParts): Promise<Checked> {
  const { entries, problems } = checked;
  if (entries === undefined) return checked;
  const nowMs = Date.now();
  const replaced = await lastGoodEntries(entries, reading, nowMs);
  if (replaced.size === 0) return checked;
  const known = new Set(problems.map(problemKeyOf));
  const found = [...replaced.values()]
    .flatMap((entry) => problemsOf(entry, nowMs))
    .filter((problem) => !known.has(problemKeyOf(problem)));
  return {
    ...checked,
    entries: { ...entries, certificates: new Map([...entries.certificates, ...replaced]) },
    problems: [...problems, ...found.map(asWarning)],
  };
}

async function checkAddedPaths(
  paths: readonly NamedPath[],
  written: WrittenDocument | undefined,
  purpose: Purpose,
): Promise<readonly Problem[]> {
  if (purpose.kind !== "change" || purpose.before === undefined) return [];
  const { before, foldersOf } = purpose;
  if (written !== undefined && addsNoPath(before, written)) return [];
  return foldersOf === undefined ? [] : checkRealPaths(addedPaths(before, paths), foldersOf);
}

/** Failure codes of refusals by the engine. They let an operator distinguish these refusals from mistakes in the document. */
const ENGINE_CODES: readonly string[] = ["engine-lacks-key", "engine-lacks-suite-choice"];

/** Returns the failure of a document with errors. */
export function documentRefusal(problems: readonly Problem[], path?: string): DirectorError {
  const errors = problems.filter(isError);
  const [first] = errors;
  const isEngine = errors.every(({ code }) => ENGINE_CODES.includes(code) && code === first?.code);
  return first !== undefined && isEngine && isFailureCode(first.code)
    ? new DirectorError(first.code, first.message, { path: first.path, problems })
    : new DirectorError("document-invalid", path, { problems });
}

/** Applies the rules that need the files which a document names. */
async function checkSources(
  document: Document,
  folder: string,
  purpose: Purpose,
  { reader, engineOf, kept }: CheckParts,
): Promise<Pick<LoadedSources, "entries" | "problems" | "problemsInForce">> {
  const trial = engineOf(document.director)?.trial;
  const reading = { reader, trial, ...(kept === undefined ? {} : { kept }) };
  const candidates = purpose.kind === "change" ? purpose.candidates : undefined;
  const inForce = purpose.kind === "change" ? purpose.inForce : undefined;
  const options = {
    ...(purpose.foldersOf === undefined ? {} : { foldersOf: purpose.foldersOf }),
    // A change over the API is about the document. A file that is read again may be about new files, too.
    leavesToWatch: purpose.kind === "change" && purpose.before !== undefined,
    ...(candidates === undefined ? {} : { candidates }),
  };
  const read = await loadSources(document, folder, reading, inForce?.entries, options);
  const loaded =
    purpose.kind === "start" && kept !== undefined
      ? await withLastGood(read, { ...reading, kept })
      : read;
  const sources = sourcesOf(loaded.entries);
  const usage = [
    ...usageProblems(document, sources, inForce),
    ...checkTrustRoots(document, sources),
    ...(inForce === undefined ? [] : newUseProblems(document, loaded.entries, inForce)),
  ];
  const { entries, problems, problemsInForce } = loaded;
  return { entries, problems: [...problems, ...usage], problemsInForce };
}

/** Applies the rules that need the engine or the folders of the director. */
async function checkSurroundings(
  document: Document,
  folder: string,
  { engineOf, wantedFolders = foldersOfDocument }: CheckParts,
): Promise<readonly Problem[]> {
  const engine = engineOf(document.director)?.engine;
  return [
    ...(engine === undefined ? [] : checkEngine(document, engine)),
    ...(await checkOwnSocket(document, ownFoldersOf(wantedFolders(document.director, folder)))),
  ];
}

const TLS13_SUITES = CIPHER_SUITES.filter(({ version }) => version === "TLSv1.3");

/** Finds policies that engine bun cannot follow: BoringSSL always offers all cipher suites of TLS 1.3. */
function checkEngine(document: Document, engine: Engine): readonly Problem[] {
  if (engine !== "bun") return [];
  return Object.entries(document.policies).flatMap(([name, policy]) => {
    const { maxVersion, cipherSuites } = resolvePolicy(name, policy);
    if (maxVersion !== "TLSv1.3") return [];
    const leftOut = TLS13_SUITES.filter((suite) => !cipherSuites.includes(suite.name));
    if (leftOut.length === 0) return [];
    const names = leftOut.map((suite) => suite.name).join(" and ");
    const message = `Policy ${name} leaves out ${names}, but engine bun always offers all three suites of TLS 1.3.`;
    return [
      problemOf("engine-lacks-suite-choice", pathOf("policies", name, "cipherSuites"), message),
    ];
  });
}

/** Checks how listeners use certificates. A problem that the document in force has too is only a warning. */
export function usageProblems(
  document: Document,
  sources: Sources,
  inForce: DocumentInForce | undefined,
): readonly Problem[] {
  const problems = checkUsage(document, sources.certificates);
  if (inForce === undefined || !problems.some(isError)) return problems;
  const known = new Set(
    checkUsage(inForce.document, inForce.sources.certificates).map(problemKeyOf),
  );
  const isKnown = (problem: Problem): boolean => known.has(problemKeyOf(problem));
  return problems.map((problem) => (isKnown(problem) ? asWarning(problem) : problem));
}

async function tryReadDocument(
  path: string,
  reader: MaterialReader,
  isServing: boolean,
): Promise<ReadDocument | { readonly problem: Problem }> {
  try {
    return await readDocument(path, reader, isServing);
  } catch (error) {
    if (!(error instanceof DirectorError)) throw error;
    const [problem] = error.problems ?? [];
    if (problem === undefined) throw error;
    return { problem };
  }
}
