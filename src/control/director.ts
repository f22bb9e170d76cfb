import { isDeepStrictEqual } from "node:util";
import type { DirectorSettings } from "#model/document.ts";
import { DirectorError } from "#model/failure.ts";
import type { CertificateStatus, DirectorStatus, ReloadResult } from "#model/status.ts";
import type { LoadedSources } from "./certificates/load-sources.ts";
import type { Sources } from "./certificates/sources.ts";
import { SourceWatcher } from "./certificates/watch-sources.ts";
import {
  changeDocument,
  type ChangeParts,
  type StateInForce,
  type WantedState,
} from "./change-document.ts";
import type { ChangeLog, ChangeResult } from "./change-log.ts";
import { ChangeQueue } from "./change-queue.ts";
import type { CheckedFile } from "./check-file.ts";
import type { HealthChecks } from "./health/health-checks.ts";
import type { Notices } from "./notice.ts";
import type { MaterialReader } from "./reader/material-reader.ts";
import type { StoredDocument, StoredRevision } from "./state/revision-store.ts";
import type { WorkerPool } from "./workers/worker-pool.ts";

export interface DirectorParts extends Omit<ChangeParts, "electorate" | "nextNumber"> {
  readonly pool: WorkerPool;
  readonly health: HealthChecks;
  readonly changeLog: ChangeLog;
  readonly reader: MaterialReader;
  /** Reads the document's file anew. Certificate files that are broken at the moment leave their last good version. */
  readonly readFile: (lastGood: Sources | undefined) => Promise<CheckedFile>;
  /** Checks a document that comes from the store, with start-up settings and the folder of the file. */
  readonly checkStored: (
    document: StoredDocument,
    settings: DirectorSettings,
    folder: string,
  ) => Promise<CheckedFile>;
  readonly notices: Notices;
  /** For an error of the director's own that nobody waits for. */
  readonly onFault: (error: unknown) => void;
  /** For workers that start as the user of others: from now on they start as their own, or undefined if they do already. */
  readonly tryTakeWorkerUser: () => (() => void) | undefined;
}

interface DocumentChange extends ChangeResult {
  readonly after: StateInForce;
}
/** Notices of a start on a state that cannot be written. */
const SERVES_STORED = "serves-stored-document";
const SERVES_UNSAVED = "serves-unsaved-document";

/** One running gateway: the state in force, the changes that lead to the next, and the way out. */
export class Director {
  readonly #parts: DirectorParts;
  readonly #changeParts: ChangeParts;
  readonly #queue = new ChangeQueue();
  #phase: DirectorStatus["state"] = "starting";
  #inForce: StateInForce | undefined;
  #watcher: SourceWatcher | undefined;
  #lastNumber = 0;

  constructor(parts: DirectorParts) {
    this.#parts = parts;
    this.#changeParts = {
      ...parts,
      electorate: parts.pool,
      nextNumber: () => {
        this.#lastNumber += 1;
        return this.#lastNumber;
      },
    };
  }

  get phase(): DirectorStatus["state"] {
    return this.#phase;
  }

  /** Undefined until the first document is served. */
  get inForce(): StateInForce | undefined {
    return this.#inForce;
  }

  certificates(): readonly CertificateStatus[] {
    return this.#watcher?.statuses() ?? [];
  }

  /**
   * Resolves when the first document is served: that of the file or, if it differs from what was saved last and cannot be
   * saved, the one in the store. Throws DirectorError.
   */
  async start(file: CheckedFile): Promise<void> {
    await this.#parts.pool.start();
    try {
      await this.#changeDocument(() => Promise.resolve(file));
    } catch (error) {
      if (!(error instanceof DirectorError) || error.code !== "state-unwritable") throw error;
      await this.#startUnsaved(file);
    }
    this.#phase = "serving";
  }

  /** Reads the document again and applies what differs. Throws DirectorError; the state before goes on then. */
  async reload(): Promise<ReloadResult> {
    const { before, after } = await this.#changeDocument(() =>
      this.#parts.readFile(this.#inForce?.sources),
    );
    return { revision: after.revision, changed: after !== before };
  }

  /** Gives each worker a successor, between changes. */
  async replaceWorkers(): Promise<void> {
    const takeBack = this.#parts.tryTakeWorkerUser();
    if (takeBack !== undefined) {
      try {
        return await this.#queue.run(() => this.#parts.pool.replaceAll());
      } catch (error) {
        takeBack();
        throw error;
      }
    }
    for (const worker of this.#parts.pool.voters()) {
      await this.#queue.run(() => this.#parts.pool.replace(worker));
    }
  }

  /** Finishes the change under way, refuses all others and lets connections end. Resolves to how many were cut. */
  async drain(deadlineMs: number): Promise<number> {
    this.#leave();
    await this.#queue.untilIdle();
    return this.#parts.pool.drain(deadlineMs);
  }

  /** Ends everything at once. */
  async stop(): Promise<void> {
    this.#leave();
    await this.#parts.pool.stop();
  }

  /** What is in force is then not a change of this director's: the store has it, or nothing can be known of it. */
  async #startUnsaved(file: CheckedFile): Promise<void> {
    const stored = await this.#tryStored();
    const settings = file.document?.director;
    if (stored !== undefined && settings !== undefined) {
      const checked = await this.#parts.checkStored(stored.document, settings, file.folder);
      if (checked.document !== undefined) {
        const known = { revision: stored.revision, isSaved: true };
        await this.#changeDocument(() => Promise.resolve({ ...checked, known }));
        return this.#parts.notices.raise({
          event: SERVES_STORED,
          text:
            `Revision ${stored.revision} is served from the store: the document of the file differs from it and could ` +
            "not be saved. SIGHUP applies the file when the state can be saved again.",
        });
      }
    }
    const known = { revision: (stored?.revision ?? 0) + 1, isSaved: false };
    await this.#changeDocument(() => Promise.resolve({ ...file, known }));
    this.#parts.notices.raise({
      event: SERVES_UNSAVED,
      text:
        `The document of the file is served without being saved, as the store has none that can be served. ` +
        "SIGHUP saves it when the state can be saved again.",
    });
  }

  async #tryStored(): Promise<StoredRevision | undefined> {
    try {
      return await this.#parts.store.latest();
    } catch {
      return undefined;
    }
  }

  #leave(): void {
    this.#phase = "draining";
    this.#watcher?.close();
    this.#parts.health.close();
    // A change that has still to read its files is none yet.
    this.#parts.reader.close().catch(this.#parts.onFault);
    this.#queue.close();
  }

  #changeDocument(
    read: () => Promise<CheckedFile & Pick<WantedState, "known">>,
  ): Promise<DocumentChange> {
    const { changeLog } = this.#parts;
    return changeLog.document(() =>
      this.#queue.run(async () => {
        const before = this.#inForce;
        const file = await read();
        changeLog.warnings(file.problems);
        const after = await changeDocument(
          before,
          this.#withStartSettings(file),
          this.#changeParts,
        );
        if (after !== before) this.#settleOn(after, file);
        for (const event of [SERVES_STORED, SERVES_UNSAVED]) this.#parts.notices.clear(event);
        return { before, after };
      }),
    );
  }

  /** Of the watched files. What it throws, the watcher takes back. */
  async #changeCertificates(watcher: SourceWatcher, loaded: LoadedSources): Promise<void> {
    const { changeLog, health } = this.#parts;
    changeLog.certificateProblems(loaded.problems);
    await changeLog.certificates(() =>
      this.#queue.run(async () => {
        const before = this.#inForce;
        // A document that came first has read the files by itself.
        if (before === undefined || watcher !== this.#watcher) return { before, after: before };
        const wanted = {
          document: before.document,
          sources: loaded.sources,
          problems: [],
          known: before,
        };
        const after = await changeDocument(before, wanted, this.#changeParts);
        this.#inForce = after;
        health.follow(after.document, after.compiled.snapshot);
        return { before, after };
      }),
    );
  }

  #settleOn(after: StateInForce, file: CheckedFile): void {
    this.#inForce = after;
    this.#parts.health.follow(after.document, after.compiled.snapshot);
    this.#watcher?.close();
    const watcher = new SourceWatcher({
      document: after.document,
      folder: file.folder,
      sources: after.sources,
      reader: this.#parts.reader,
      onChange: (loaded) => this.#changeCertificates(watcher, loaded),
      onFault: this.#parts.onFault,
    });
    this.#watcher = watcher;
    watcher.start();
  }

  /** Start-up settings stay what they were at the start. */
  #withStartSettings(file: CheckedFile & Pick<WantedState, "known">): WantedState {
    const settings = this.#inForce?.document.director;
    if (settings === undefined || file.document === undefined) return file;
    if (!isDeepStrictEqual(settings, file.document.director)) this.#parts.changeLog.needsRestart();
    return { ...file, document: { ...file.document, director: settings } };
  }
}
