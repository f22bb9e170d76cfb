import { setTimeout as delay } from "node:timers/promises";
import type { Document } from "#model/document/document.ts";
import type { Problem } from "#model/failure.ts";
import type { CertificateStatus } from "#model/records/status.ts";
import { certificateSourcesOf, trustSourcesOf } from "./document-sources.ts";
import { inTurn } from "./in-turn.ts";
import type { LoadedSources } from "./load-sources.ts";
import type { CertificateVersion, Sources, TrustVersion } from "./sources.ts";
import type { MaterialReader } from "../reader/material-reader.ts";
import { WatchedSource } from "./watched-source.ts";

const DEFAULT_INTERVAL_MS = 1_000;
/** Chain and key are seldom replaced in one step: what has just changed is looked at again before it is read. */
const SETTLE_MS = 100;
/** Looking at ten thousand certificates must not take up the control process. */
const MAX_BUSY_SHARE = 0.1;

export interface WatcherOptions {
  readonly document: Document;
  readonly folder: string;
  /** What is served now. */
  readonly sources: Sources;
  readonly reader: MaterialReader;
  readonly intervalMs?: number;
  /**
   * Called when there is a new version, or when a refusal came, changed or went. Nothing is looked at until it is done. If
   * it throws, the new versions are refused and those before stay.
   */
  onChange(result: LoadedSources): Promise<void> | void;
  /** An error of the director's own. The watch goes on. */
  onFault(error: unknown): void;
}

type Watched = WatchedSource<CertificateVersion> | WatchedSource<TrustVersion>;

interface News {
  readonly watched: Watched;
  /** What its files looked like. */
  readonly looks: string;
}

/**
 * Notices changed certificate, CA and CRL files. It looks at the files (through symlinks, as Kubernetes and certbot swap
 * those) every second and compares contents only where something changed, because inotify sees neither symlink targets nor
 * network file systems. What cannot be used never replaces the last good version.
 */
export class SourceWatcher {
  readonly #certificates: readonly WatchedSource<CertificateVersion>[];
  readonly #trusts: readonly WatchedSource<TrustVersion>[];
  readonly #reader: MaterialReader;
  readonly #intervalMs: number;
  readonly #onChange: WatcherOptions["onChange"];
  readonly #onFault: WatcherOptions["onFault"];
  readonly #closing = new AbortController();

  constructor(options: WatcherOptions) {
    const { document, folder, sources, reader } = options;
    this.#reader = reader;
    this.#certificates = certificateSourcesOf(document, folder).map(
      (source) => new WatchedSource(source, sources.certificates.get(source.key)),
    );
    this.#trusts = trustSourcesOf(document, folder).map(
      (source) => new WatchedSource(source, sources.trusts.get(source.key)),
    );
    this.#intervalMs = options.intervalMs ?? DEFAULT_INTERVAL_MS;
    this.#onChange = options.onChange.bind(options);
    this.#onFault = options.onFault.bind(options);
  }

  start(): void {
    this.#watch().catch(this.#onFault);
  }

  /** `onChange` is not called after it, though a call that is under way goes on. */
  close(): void {
    this.#closing.abort();
  }

  statuses(): readonly CertificateStatus[] {
    return this.#certificates.flatMap((watched) => tryStatus(watched) ?? []);
  }

  get #watched(): readonly Watched[] {
    return [...this.#certificates, ...this.#trusts];
  }

  async #watch(): Promise<void> {
    while (!this.#closing.signal.aborted) {
      const startedAtMs = performance.now();
      let busyMs = 0;
      try {
        const news = await this.#news();
        busyMs = performance.now() - startedAtMs;
        if (news.length > 0) await this.#take(news);
      } catch (error) {
        this.#onFault(error);
      }
      await this.#pause(Math.max(this.#intervalMs, busyMs / MAX_BUSY_SHARE));
    }
  }

  async #pause(ms: number): Promise<void> {
    const { signal } = this.#closing;
    await delay(ms, undefined, { signal }).catch(() => undefined);
  }

  async #take(news: readonly News[]): Promise<void> {
    await this.#pause(SETTLE_MS);
    const problemsBefore = this.#problems();
    const changed = await inTurn(news, ({ watched, looks }) =>
      watched.refresh(looks, Date.now(), this.#reader),
    );
    const takeBacks = changed.flatMap((takeBack) => takeBack ?? []);
    const problems = this.#problems();
    if (this.#closing.signal.aborted) return;
    if (takeBacks.length === 0 && textOf(problems) === textOf(problemsBefore)) return;
    try {
      await this.#onChange({ sources: this.#sources(), problems });
    } catch (error) {
      for (const takeBack of takeBacks) takeBack(error);
    }
  }

  async #news(): Promise<readonly News[]> {
    const looks = await inTurn(this.#watched, async (watched) => {
      const news = await watched.tryNews();
      return news === undefined ? [] : [{ watched, looks: news }];
    });
    return looks.flat();
  }

  #problems(): readonly Problem[] {
    return this.#watched.flatMap(({ problems }) => problems);
  }

  #sources(): Sources {
    return { certificates: versionsOf(this.#certificates), trusts: versionsOf(this.#trusts) };
  }
}

function tryStatus(watched: WatchedSource<CertificateVersion>): CertificateStatus | undefined {
  const { key: name, version, isRefused, problems } = watched;
  if (version === undefined) return undefined;
  const status = { name, source: "files", facts: version.facts } as const;
  const [problem] = problems;
  return isRefused && problem !== undefined
    ? { ...status, state: "refused", problem: problem.message }
    : { ...status, state: "ok" };
}

const textOf = (problems: readonly Problem[]): string => JSON.stringify(problems);

function versionsOf<Version extends CertificateVersion | TrustVersion>(
  watched: readonly WatchedSource<Version>[],
): ReadonlyMap<string, Version> {
  return new Map(
    watched.flatMap(({ key, version }) => (version === undefined ? [] : [[key, version]])),
  );
}
