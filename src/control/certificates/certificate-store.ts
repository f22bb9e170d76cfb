import { setTimeout as delay } from "node:timers/promises";
import type { Document } from "#model/document/document.ts";
import { DirectorError, type FailureCode, type Problem } from "#model/failure.ts";
import { asWarning, problemKeyOf, problemOf } from "#model/problem.ts";
import type { CertificateStatus } from "#model/records/status.ts";
import { certificateUsesOf } from "../certificate-uses.ts";
import type { CertificateProvider, NewVersions } from "./certificate-provider.ts";
import { certificateDetailOf, certificateStatusOf } from "./certificate-status.ts";
import type { DocumentSource } from "./document-sources.ts";
import type { MaterialReader } from "../reader/material-reader.ts";
import { FEW_SOURCES, FileWatch, type Looked } from "./file-watch.ts";
import { inTurn } from "./in-turn.ts";
import { KeyTypeTally } from "./key-type-tally.ts";
import { KnownProblems } from "./known-problems.ts";
import { problemsOf } from "./load-sources.ts";
import {
  readEntry,
  refusedEntry,
  sourcesOf,
  withCandidates,
  type Candidate,
  type DocumentInForce,
  type ReadingParts,
  type SourceEntries,
  type SourceEntry,
} from "./source-entry.ts";
import { keysThatDiffer } from "../patched-map.ts";
import { RetrySchedule } from "./retry-schedule.ts";
import type { Sources, SourceVersion } from "./sources.ts";

const DEFAULT_INTERVAL_MS = 1_000;
/** Chain and key are rarely replaced in one step, so a changed source is read only if it is unchanged after this time. */
const SETTLE_MS = 100;
/** The share of time that a thread may spend on looking for changed files, for example of 10,000 certificates. */
const MAX_BUSY_SHARE = 0.025;
/** Failures of a change that one of its new versions may have caused. */
const VERDICTS: readonly FailureCode[] = [
  "listener-unusable",
  "worker-refused",
  "change-too-large",
  "address-in-use",
  "address-not-available",
  "address-not-permitted",
];

export interface CertificateStoreOptions extends ReadingParts {
  /** The process that proves a change of certificates. */
  readonly prover: Pick<MaterialReader, "warmUp" | "stayReady">;
  readonly intervalMs?: number;
  /** After how long a look at the files is late. Default: 10 s. */
  readonly lookDeadlineMs?: number;
  /** Called once for each new problem: the reason why a new version is refused, or a warning about a version in use. */
  onProblem(kind: "refused" | "warning", problem: Problem): void;
  /** Called when the problems have changed. */
  readonly onTurn: () => void;
  /** Called with the keys of the sources that were read, or if the document has changed. */
  onRead(keys: readonly string[] | "all"): void;
  /** Called with true while a file system does not answer, once for each `lookDeadlineMs`, and with false when the look has ended. */
  readonly onLate: (isLate: boolean) => void;
  /** Called with an internal error. The store continues to work. */
  onFault(error: unknown): void;
}

type AnyEntry = SourceEntry<SourceVersion>;
type AnySource = DocumentSource<SourceVersion>;

/** An entry to read. `looks` is what its source looks like now. */
interface Due {
  readonly entry: AnyEntry;
  readonly looks: string;
}

/**
 * Holds the certificates and CA bundles of the document in force. There is one store for the life of the director.
 *
 * The store looks at the files every second, or less often if that would take more than 2.5 % of a core, and reads those that have changed. It does not use inotify, which reports
 * neither changed symlink targets (as in Kubernetes and certbot) nor changes on network file systems. Each new version is
 * checked separately: its contents, its validity period, whether the engine accepts it, and whether it suits the listeners
 * that use it. A refused version is read again when its files change, or when the reason for the refusal may have ended.
 */
export class CertificateStore implements CertificateProvider {
  readonly #options: CertificateStoreOptions;
  readonly #closing = new AbortController();
  readonly #retries = new RetrySchedule();
  readonly #files = new FileWatch();
  readonly #known = new KnownProblems();
  /** The sources of the entries in force. */
  #watched: readonly AnySource[] = [];
  /** The sources that have to be read, because their files may have changed. */
  readonly #unread = new Set<AnySource>();
  #inForce: DocumentInForce | undefined;
  #subscriber: ((news: NewVersions) => Promise<void>) | undefined;
  /** The problems that have been reported, and their keys. */
  #problems: readonly Problem[] = [];
  #reported: ReadonlySet<string> = new Set();

  constructor(options: CertificateStoreOptions) {
    this.#options = options;
  }

  /** Undefined until the first document is in force. */
  get inForce(): DocumentInForce | undefined {
    return this.#inForce;
  }

  current(): Sources {
    return this.#inForce?.sources ?? NO_SOURCES;
  }

  status(): readonly CertificateStatus[] {
    const nowMs = Date.now();
    if (this.#inForce === undefined) return [];
    const { document, entries } = this.#inForce;
    const uses = certificateUsesOf(document);
    return Array.from(entries.certificates, ([name, entry]) =>
      certificateStatusOf(entry, uses.get(name) ?? [], nowMs),
    );
  }

  /** Returns undefined if the document has no such certificate. */
  detail(name: string): ReturnType<typeof certificateDetailOf> | undefined {
    if (this.#inForce === undefined) return undefined;
    const { document, entries } = this.#inForce;
    const entry = entries.certificates.get(name);
    const usedBy = certificateUsesOf(document).get(name) ?? [];
    return entry && certificateDetailOf(entry, usedBy, Date.now());
  }

  problems(): readonly Problem[] {
    return this.#known.at(Date.now());
  }

  subscribe(subscriber: (news: NewVersions) => Promise<void>): void {
    this.#subscriber = subscriber;
  }

  /**
   * Takes over a document that is now in force, and its entries. The caller has reported the problems of the sources that
   * were not in force before. New problems of the others are reported here.
   */
  follow(document: Document, entries: SourceEntries): void {
    if (this.#tryReplace(document, entries)) return;
    const before = this.#origins();
    const certificatesBefore = this.#inForce?.entries.certificates;
    const entriesBefore = new Set(this.#entries());
    const reported = this.#reported;
    this.#retries.clear();
    this.#inForce = { document, entries, sources: sourcesOf(entries) };
    // The new document may be without the files of a file system that does not answer.
    this.#files.giveUpLate();
    this.#watchEntries(entriesBefore);
    // With many certificates there is a new version several times an hour.
    for (const one of this.#processes()) one.stayReady(this.#watched.length > FEW_SOURCES);
    const nowMs = Date.now();
    this.#known.follow(this.#entries(), nowMs);
    const byCaller = this.#entries()
      .filter(({ source }) => before.get(source.place) !== source.origin)
      .flatMap((entry) => problemsOf(entry, nowMs));
    this.#reported = new Set([...reported, ...byCaller.map(problemKeyOf)]);
    this.#report();
    this.#options.onTurn();
    const changed = certificatesBefore && keysThatDiffer(certificatesBefore, entries.certificates);
    this.#options.onRead(changed ?? "all");
  }

  /** The same list of sources saves the thread that looks at the files from getting their paths again. */
  #watchEntries(before: ReadonlySet<AnyEntry>): void {
    const entries = this.#entries();
    const isSame =
      this.#watched.length === entries.length &&
      entries.every(({ source }, at) => source === this.#watched[at]);
    if (!isSame) {
      this.#watched = entries.map(({ source }) => source);
      this.#unread.clear();
    }
    // What was read for the document may be older than what the last look has found.
    for (const entry of entries) if (!before.has(entry)) this.#unread.add(entry.source);
  }

  /** Returns false if the change did more than replace versions of the document in force. */
  #tryReplace(document: Document, entries: SourceEntries): boolean {
    const before = this.#inForce;
    if (before?.document !== document || before.entries.trusts !== entries.trusts) return false;
    const names = keysThatDiffer(before.entries.certificates, entries.certificates);
    if (names === undefined) return false;
    const replaced = names.flatMap((name) => entries.certificates.get(name) ?? []);
    const hasSources = replaced.every(
      ({ source }) => before.entries.certificates.get(source.key)?.source === source,
    );
    if (!hasSources || replaced.length < names.length) return false;
    this.#inForce = { document, entries, sources: sourcesOf(entries) };
    const nowMs = Date.now();
    for (const entry of replaced) {
      this.#retries.forget(entry);
      this.#known.replace(entry, nowMs);
    }
    if (this.#report()) this.#options.onTurn();
    return true;
  }

  /** Starts the processes that a change of certificates needs, while the change is still being received or files settle. */
  warmUp(): void {
    for (const one of this.#processes()) one.warmUp();
  }

  start(): void {
    this.#watch().catch((error: unknown) => {
      // The reader ends with the director, and a read that is under way then fails.
      if (!this.#closing.signal.aborted) this.#options.onFault(error);
    });
  }

  /** Ends the calls of the subscriber. A call that has already begun is not interrupted. */
  close(): void {
    this.#closing.abort();
    this.#files.close();
  }

  async #watch(): Promise<void> {
    const { intervalMs = DEFAULT_INTERVAL_MS, lookDeadlineMs } = this.#options;
    const reportNew = (): void => {
      if (this.#report()) this.#options.onTurn();
    };
    const hearLate = (isLate: boolean): void => {
      this.#options.onLate(isLate);
      reportNew();
    };
    while (!this.#closing.signal.aborted) {
      let busyMs = 0;
      try {
        const looked = await this.#files.lookInTime(this.#watched, lookDeadlineMs, hearLate);
        if (looked === undefined) continue;
        busyMs = looked.busyMs;
        const due = this.#dueOf(looked);
        if (due.length > 0) {
          this.warmUp();
          await this.#pause(SETTLE_MS);
          await this.#read(due);
        }
        reportNew();
      } catch (error) {
        if (!this.#closing.signal.aborted) this.#options.onFault(error);
      }
      await this.#pause(Math.max(intervalMs, busyMs / MAX_BUSY_SHARE));
    }
  }

  async #pause(ms: number): Promise<void> {
    const { signal } = this.#closing;
    await delay(ms, undefined, { signal }).catch(() => undefined);
  }

  /** Returns the entries to read: those with changed files, and refused ones that are due for another try. */
  #dueOf({ looks: looksOf, changed }: Looked): readonly Due[] {
    for (const source of changed) this.#unread.add(source);
    const toRead: Due[] = [];
    for (const source of this.#unread) {
      const entry = this.#entryOf(source);
      const looks = looksOf.get(source);
      // A document that came into force meanwhile has other sources.
      if (entry === undefined || looks === undefined || looks === entry.looks) {
        this.#unread.delete(source);
      } else {
        toRead.push({ entry, looks });
        this.#retries.forget(entry);
      }
    }
    const refused = this.#known.refused(Date.now()).flatMap((entry) => {
      const looks = looksOf.get(entry.source);
      return looks === entry.looks ? [{ entry, looks }] : [];
    });
    return [...toRead, ...this.#retries.take(refused)];
  }

  async #read(due: readonly Due[]): Promise<void> {
    const read = await inTurn(due, async ({ entry, looks }) => {
      // The files are still being written.
      if ((await entry.source.look()) !== looks) return [];
      const after = await readEntry(entry.source, entry, this.#options, Date.now(), looks);
      return [{ before: entry, after }];
    });
    if (this.#closing.signal.aborted) return;
    const judged = this.#judge(read.flat());
    const hasNewVersion = ({ before, after }: Candidate): boolean =>
      after.version?.id !== before.version?.id;
    const others = judged.filter((candidate) => !hasNewVersion(candidate));
    for (const { after } of others) this.#retries.noteReading(after);
    this.#adopt(others);
    const candidates = judged.filter(hasNewVersion);
    if (candidates.length > 0) await this.#offer(candidates);
  }

  /** Refuses versions that would make a working listener unusable. */
  #judge(candidates: readonly Candidate[]): readonly Candidate[] {
    const inForce = this.#inForce;
    if (inForce === undefined) return candidates;
    const tally = new KeyTypeTally(inForce.document, inForce.sources.certificates);
    return candidates.map(({ before, after }) => ({ before, after: tally.judge(before, after) }));
  }

  /** Asks the director to use the candidates. If one makes the change fail, it is found by halving, and only that one is refused. */
  async #offer(candidates: readonly Candidate[]): Promise<void> {
    try {
      await this.#subscriber?.({ sources: () => this.#sourcesWith(candidates) });
      for (const { after } of candidates) this.#retries.forget(after);
      this.#adopt(candidates);
    } catch (error) {
      if (this.#closing.signal.aborted) return;
      const isVerdict = error instanceof DirectorError && VERDICTS.includes(error.code);
      if (isVerdict && candidates.length > 1) {
        const half = Math.ceil(candidates.length / 2);
        await this.#offer(candidates.slice(0, half));
        await this.#offer(candidates.slice(half));
        return;
      }
      this.#adopt(candidates.map((candidate) => this.#failed(candidate, error)));
    }
  }

  #failed({ before, after }: Candidate, error: unknown): Candidate {
    this.#retries.noteFailedChange(after);
    const message = error instanceof Error ? error.message : String(error);
    const refusal = problemOf("certificate-unusable", after.source.place, message);
    return { before, after: refusedEntry(before, after.looks, refusal) };
  }

  #sourcesWith(candidates: readonly Candidate[]): Sources {
    return this.#inForce === undefined
      ? NO_SOURCES
      : withCandidates(this.#inForce, candidates).sources;
  }

  #adopt(candidates: readonly Candidate[]): void {
    const inForce = this.#inForce;
    if (inForce === undefined || candidates.length === 0) return;
    this.#inForce = { document: inForce.document, ...withCandidates(inForce, candidates) };
    const nowMs = Date.now();
    for (const { before, after } of candidates) {
      if (this.#entryOf(before.source) === after) this.#known.replace(after, nowMs);
    }
    this.#options.onRead(candidates.map(({ after }) => after.source.key));
  }

  /** Returns undefined if the source is not of the document in force. */
  #entryOf(source: AnySource): AnyEntry | undefined {
    const { certificates, trusts } = this.#inForce?.entries ?? NO_ENTRIES;
    const found = [certificates.get(source.key), trusts.get(source.key)];
    return found.find((entry) => entry?.source === source);
  }

  #processes(): readonly CertificateStoreOptions["prover"][] {
    const { reader, trial, prover } = this.#options;
    return trial === undefined ? [reader, prover] : [reader, trial.process, prover];
  }

  #entries(): readonly AnyEntry[] {
    const { certificates, trusts } = this.#inForce?.entries ?? NO_ENTRIES;
    return [...certificates.values(), ...trusts.values()];
  }

  /** Reports the problems that are new. Returns whether any have come or gone. */
  #report(): boolean {
    const problems = this.problems();
    if (problems === this.#problems) return false;
    this.#problems = problems;
    const now = new Set(problems.map(problemKeyOf));
    const isSame = now.size === this.#reported.size && now.isSubsetOf(this.#reported);
    if (isSame) return false;
    const before = this.#reported;
    this.#reported = now;
    const refused = this.#known.refused(Date.now());
    const refusals = new Set(refused.flatMap((entry) => entry.refusals.slice(0, 1)));
    for (const problem of problems) {
      if (before.has(problemKeyOf(problem))) continue;
      this.#options.onProblem(refusals.has(problem) ? "refused" : "warning", asWarning(problem));
    }
    return true;
  }

  /** The origins of the sources in force, by their places. */
  #origins(): ReadonlyMap<string, string> {
    return new Map(this.#entries().map(({ source }) => [source.place, source.origin]));
  }
}

const NO_ENTRIES: SourceEntries = { certificates: new Map(), trusts: new Map() };
const NO_SOURCES = sourcesOf(NO_ENTRIES);
