import { setTimeout as delay } from "node:timers/promises";
import { listenersOf, type ListenerPlace } from "#model/document/document-listeners.ts";
import type { Document } from "#model/document/document.ts";
import { DirectorError, type FailureCode, type Problem } from "#model/failure.ts";
import { isError, problemOf } from "#model/problem.ts";
import type { CertificateStatus } from "#model/records/status.ts";
import { controlModeOf } from "../control-mode.ts";
import type { CertificateProvider, NewVersions } from "./certificate-provider.ts";
import { certificateStatusOf } from "./certificate-status.ts";
import { checkUsage } from "./check-usage.ts";
import { inTurn } from "./in-turn.ts";
import { asWarning, problemsOf } from "./load-sources.ts";
import {
  readEntry,
  sourcesOf,
  type ReadingParts,
  type SourceEntries,
  type SourceEntry,
} from "./source-entry.ts";
import type { CertificateVersion, Sources, SourceVersion } from "./sources.ts";

const DEFAULT_INTERVAL_MS = 1_000;
/** Chain and key are seldom replaced in one step: what has just changed is looked at again before it is read. */
const SETTLE_MS = 100;
/** Looking at ten thousand certificates must not take up the control process. */
const MAX_BUSY_SHARE = 0.1;
/** Refused sources that are read again in one look although they look the same. */
const MAX_RETRIES_IN_A_LOOK = 32;
/** Looks until a change that failed is tried again: doubled with each failure. */
const LOOKS_TO_RETRY = 2;
const MAX_LOOKS_TO_RETRY = 32;
/** Refusals that end with the time of day, with another document, or with the state of the system. */
const PASSING_CODES: readonly string[] = [
  "certificate-expired",
  "certificate-not-yet-valid",
  "ca-expired",
  "crl-expired",
  "suite-without-key-type",
  "file-unreadable",
  "system-ca-missing",
  "reader-failed",
  "internal",
];
/** Failures of a change that say something about the versions in it. */
const VERDICTS: readonly FailureCode[] = [
  "listener-unusable",
  "worker-refused",
  "change-too-large",
  "address-in-use",
  "address-not-available",
  "address-not-permitted",
];

export interface CertificateStoreOptions extends ReadingParts {
  readonly intervalMs?: number;
  /** Called once for each problem that is new: why a new version is refused, or a warning about one that is used. */
  onProblem(kind: "refused" | "warning", problem: Problem): void;
  /** Called when the problems have changed. */
  onTurn(): void;
  /** An error of the director's own. The store goes on. */
  onFault(error: unknown): void;
}

/** What the store knows about the document in force. */
interface InForce {
  readonly document: Document;
  readonly entries: SourceEntries;
}

type AnyEntry = SourceEntry<SourceVersion>;

/** An entry to read, and what its source looks like now. */
interface Due {
  readonly entry: AnyEntry;
  readonly looks: string;
}

/** An entry, and what reading its source made of it. */
interface Candidate {
  readonly before: AnyEntry;
  readonly after: AnyEntry;
}

/**
 * The certificates and CA bundles of the document in force. It lives as long as the director and follows the documents. It
 * looks at the sources (through symlinks, as Kubernetes and certbot swap those) every second and reads what has changed,
 * because inotify sees neither symlink targets nor network file systems. Each new version is judged alone: by what it holds,
 * by the engine of the workers, by the time of day and by the listeners that use it. What is refused is tried again
 * until the source or the reason for the refusal has changed.
 */
export class CertificateStore implements CertificateProvider {
  readonly #options: CertificateStoreOptions;
  readonly #closing = new AbortController();
  /** Listeners of the document in force by the certificates that they name. */
  #users: ReadonlyMap<string, readonly ListenerPlace[]> = new Map();
  #inForce: InForce | undefined;
  #sources: Sources = { certificates: new Map(), trusts: new Map() };
  #subscriber: ((news: NewVersions) => Promise<void>) | undefined;
  /** Problems that have been reported. */
  #reported: ReadonlySet<string> = new Set();
  /** By place: changes that failed, and in how many looks the next try is due. */
  readonly #failures = new Map<string, { count: number; looksLeft: number }>();

  constructor(options: CertificateStoreOptions) {
    this.#options = options;
  }

  /** Undefined before the first document. */
  get inForce(): InForce | undefined {
    return this.#inForce;
  }

  current(): Sources {
    return this.#sources;
  }

  status(): readonly CertificateStatus[] {
    const nowMs = Date.now();
    const entries = this.#inForce?.entries.certificates.values() ?? [];
    return Array.from(entries, (entry) => certificateStatusOf(entry, nowMs));
  }

  problems(): readonly Problem[] {
    const nowMs = Date.now();
    return this.#entries().flatMap((entry) => problemsOf(entry, nowMs));
  }

  subscribe(subscriber: (news: NewVersions) => Promise<void>): void {
    this.#subscriber = subscriber;
  }

  /** A document is in force, with entries that were loaded for it. Whoever applied it has reported their problems. */
  follow(document: Document, entries: SourceEntries): void {
    this.#failures.clear();
    this.#users = usersOf(document);
    this.#put({ document, entries });
    this.#reported = new Set(this.problems().map(textOf));
    this.#options.onTurn();
  }

  start(): void {
    this.#watch().catch((error: unknown) => this.#options.onFault(error));
  }

  /** The subscriber is not called after it, though a call that is under way goes on. */
  close(): void {
    this.#closing.abort();
  }

  async #watch(): Promise<void> {
    const { intervalMs = DEFAULT_INTERVAL_MS } = this.#options;
    while (!this.#closing.signal.aborted) {
      const startedAtMs = performance.now();
      let busyMs = 0;
      try {
        const due = await this.#due();
        busyMs = performance.now() - startedAtMs;
        if (due.length > 0) await this.#pause(SETTLE_MS);
        await this.#read(due);
        this.#report();
      } catch (error) {
        this.#options.onFault(error);
      }
      await this.#pause(Math.max(intervalMs, busyMs / MAX_BUSY_SHARE));
    }
  }

  async #pause(ms: number): Promise<void> {
    const { signal } = this.#closing;
    await delay(ms, undefined, { signal }).catch(() => undefined);
  }

  /** Returns the entries to read: those that look different, and refused ones whose reason may be gone. */
  async #due(): Promise<readonly Due[]> {
    let retries = 0;
    const due = await inTurn(this.#entries(), async (entry) => {
      const looks = await entry.source.look();
      if (looks !== entry.looks) {
        this.#failures.delete(entry.source.place);
        return [{ entry, looks }];
      }
      if (!this.#isRetryDue(entry) || retries >= MAX_RETRIES_IN_A_LOOK) return [];
      retries += 1;
      return [{ entry, looks }];
    });
    return due.flat();
  }

  #isRetryDue({ source, refusals }: AnyEntry): boolean {
    const [refusal] = refusals;
    if (refusal === undefined) return false;
    const failure = this.#failures.get(source.place);
    if (failure === undefined) return PASSING_CODES.includes(refusal.code);
    failure.looksLeft -= 1;
    return failure.looksLeft <= 0;
  }

  async #read(due: readonly Due[]): Promise<void> {
    const read = await inTurn(due, async ({ entry, looks }) => {
      // It is still being written.
      if ((await entry.source.look()) !== looks) return [];
      const after = await readEntry(entry.source, entry, this.#options, Date.now());
      return [{ before: entry, after }];
    });
    if (this.#closing.signal.aborted) return;
    const judged = read.flat().map((candidate) => this.#judge(candidate));
    const hasNewVersion = ({ before, after }: Candidate): boolean =>
      after.version?.id !== before.version?.id;
    this.#adopt(judged.filter((candidate) => !hasNewVersion(candidate)));
    const candidates = judged.filter(hasNewVersion);
    if (candidates.length > 0) await this.#offer(candidates);
  }

  /** Refuses a version with which a listener that can be used now could not be used any more. */
  #judge(candidate: Candidate): Candidate {
    const inForce = this.#inForce;
    const { key, place } = candidate.after.source;
    const version = candidate.after.version;
    const listeners = this.#users.get(key);
    if (inForce === undefined || listeners === undefined || !isCertificate(version)) {
      return candidate;
    }
    const { certificates } = this.#sources;
    const errorsWith = (next: CertificateVersion | undefined): readonly Problem[] => {
      const get = (name: string) => (name === key ? next : certificates.get(name));
      return checkUsage(inForce.document, { get }, listeners).filter(isError);
    };
    const known = new Set(errorsWith(certificates.get(key)).map(({ path }) => path));
    const problem = errorsWith(version).find(({ path }) => !known.has(path));
    if (problem === undefined) return candidate;
    const message = `The new certificate cannot be used for ${problem.path}: ${problem.message}`;
    return refused(candidate, problemOf("suite-without-key-type", place, message));
  }

  /** Has the director use the candidates. If it fails because of one of them, that one is found and refused alone. */
  async #offer(candidates: readonly Candidate[]): Promise<void> {
    try {
      await this.#subscriber?.({ sources: () => this.#sourcesWith(candidates) });
      for (const { after } of candidates) this.#failures.delete(after.source.place);
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

  #failed(candidate: Candidate, error: unknown): Candidate {
    const { place } = candidate.after.source;
    const count = (this.#failures.get(place)?.count ?? 0) + 1;
    const looksLeft = Math.min(MAX_LOOKS_TO_RETRY, LOOKS_TO_RETRY ** count);
    this.#failures.set(place, { count, looksLeft });
    const message = error instanceof Error ? error.message : String(error);
    return refused(candidate, problemOf("certificate-unusable", place, message));
  }

  #sourcesWith(candidates: readonly Candidate[]): Sources {
    return sourcesOf(this.#entriesWith(candidates));
  }

  /** The entries in force with those of the candidates, unless a document has brought others meanwhile. */
  #entriesWith(candidates: readonly Candidate[]): SourceEntries {
    const after = new Map(candidates.map((candidate) => [candidate.before, candidate.after]));
    const { certificates, trusts } = this.#inForce?.entries ?? NO_ENTRIES;
    return {
      certificates: replaced(certificates, after),
      trusts: replaced(trusts, after),
    };
  }

  #adopt(candidates: readonly Candidate[]): void {
    const inForce = this.#inForce;
    if (inForce === undefined || candidates.length === 0) return;
    this.#put({ ...inForce, entries: this.#entriesWith(candidates) });
  }

  #put(inForce: InForce): void {
    this.#inForce = inForce;
    this.#sources = sourcesOf(inForce.entries);
  }

  #entries(): readonly AnyEntry[] {
    const { certificates, trusts } = this.#inForce?.entries ?? NO_ENTRIES;
    return [...certificates.values(), ...trusts.values()];
  }

  #report(): void {
    const problems = this.problems();
    const now = new Set(problems.map(textOf));
    const isSame = now.size === this.#reported.size && now.isSubsetOf(this.#reported);
    if (isSame) return;
    const before = this.#reported;
    this.#reported = now;
    const refusals = new Set(this.#entries().flatMap((entry) => entry.refusals.slice(0, 1)));
    for (const problem of problems) {
      if (before.has(textOf(problem))) continue;
      this.#options.onProblem(refusals.has(problem) ? "refused" : "warning", asWarning(problem));
    }
    this.#options.onTurn();
  }
}

const NO_ENTRIES: SourceEntries = { certificates: new Map(), trusts: new Map() };

const isCertificate = (version: SourceVersion | undefined): version is CertificateVersion =>
  version?.material.kind === "certificate";

/** The version before stays. */
const refused = ({ before, after }: Candidate, refusal: Problem): Candidate => ({
  before,
  after: { ...before, looks: after.looks, refusals: [refusal] },
});

function replaced<Version extends SourceVersion>(
  entries: ReadonlyMap<string, SourceEntry<Version>>,
  after: ReadonlyMap<AnyEntry, AnyEntry>,
): ReadonlyMap<string, SourceEntry<Version>> {
  // An entry is replaced by one of the same source, whose versions are of the same kind.
  return new Map(
    [...entries].map(([key, entry]) => [key, (after.get(entry) ?? entry) as SourceEntry<Version>]),
  );
}

function usersOf(document: Document): ReadonlyMap<string, readonly ListenerPlace[]> {
  const users = new Map<string, ListenerPlace[]>();
  for (const place of listenersOf(document)) {
    const { listener } = place;
    for (const name of controlModeOf(listener).clientTlsOf(listener)?.certificates ?? []) {
      const places = users.get(name);
      if (places === undefined) users.set(name, [place]);
      else places.push(place);
    }
  }
  return users;
}

const textOf = ({ code, path, message }: Problem): string => JSON.stringify([code, path, message]);
