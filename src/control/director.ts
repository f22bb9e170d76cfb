import { isDeepStrictEqual } from "node:util";
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
import type { MaterialReader } from "./reader/material-reader.ts";
import type { WorkerPool } from "./workers/worker-pool.ts";

export interface DirectorParts extends Omit<ChangeParts, "electorate" | "nextNumber"> {
  readonly pool: WorkerPool;
  readonly health: HealthChecks;
  readonly changeLog: ChangeLog;
  readonly reader: MaterialReader;
  /** Reads the document's file anew. Certificate files that are broken at the moment leave their last good version. */
  readonly readFile: (lastGood: Sources | undefined) => Promise<CheckedFile>;
}

interface DocumentChange extends ChangeResult {
  readonly after: StateInForce;
}

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

  /** Resolves when the first document is served. Throws DirectorError. */
  async start(file: CheckedFile): Promise<void> {
    await this.#parts.pool.start();
    await this.#changeDocument(() => Promise.resolve(file));
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
    for (const worker of this.#parts.pool.voters()) {
      await this.#queue.run(() => this.#parts.pool.replace(worker));
    }
  }

  /** Finishes the change under way, refuses all others and lets connections end. Resolves to how many were cut. */
  async drain(deadlineMs: number): Promise<number> {
    const isQueueEmpty = this.#leave();
    await isQueueEmpty;
    return this.#parts.pool.drain(deadlineMs);
  }

  /** Ends everything at once. */
  async stop(): Promise<void> {
    void this.#leave();
    await this.#parts.pool.stop();
  }

  #leave(): Promise<void> {
    this.#phase = "draining";
    this.#watcher?.close();
    this.#parts.health.close();
    // A change that has still to read its files is none yet.
    this.#parts.reader.close().catch((error: unknown) => this.#parts.reader.tellFault(error));
    return this.#queue.close();
  }

  #changeDocument(read: () => Promise<CheckedFile>): Promise<DocumentChange> {
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
        const wanted = { document: before.document, sources: loaded.sources, problems: [] };
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
    });
    this.#watcher = watcher;
    watcher.start();
  }

  /** Start-up settings stay what they were at the start. */
  #withStartSettings(file: CheckedFile): WantedState {
    const settings = this.#inForce?.document.director;
    if (settings === undefined || file.document === undefined) return file;
    if (!isDeepStrictEqual(settings, file.document.director)) this.#parts.changeLog.needsRestart();
    return { ...file, document: { ...file.document, director: settings } };
  }
}
