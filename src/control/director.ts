import { isDeepStrictEqual } from "node:util";
import { DirectorError } from "#model/failure.ts";
import type { CertificateStatus, DirectorStatus } from "#model/status.ts";
import { applyChange, type ChangeParts } from "./apply-change.ts";
import type { LoadedSources } from "./certificates/load-sources.ts";
import type { Sources } from "./certificates/sources.ts";
import { SourceWatcher } from "./certificates/watch-sources.ts";
import type { Actor, ChangeRequest, ChangeResult, StateInForce, Wanted } from "./change.ts";
import type { ChangeLog } from "./change-log.ts";
import { ChangeQueue } from "./change-queue.ts";
import type { CheckedDocument } from "./check-file.ts";
import type { HealthChecks } from "./health/health-checks.ts";
import type { Notices } from "./notice.ts";
import type { MaterialReader } from "./reader/material-reader.ts";
import { startUnsaved, UNSAVED_START_NOTICES, type UnsavedStartParts } from "./start-unsaved.ts";
import type { WorkerPool } from "./workers/worker-pool.ts";

export interface DirectorParts
  extends Omit<ChangeParts, "electorate" | "nextNumber">, UnsavedStartParts {
  readonly pool: WorkerPool;
  readonly health: HealthChecks;
  readonly changeLog: ChangeLog;
  readonly reader: MaterialReader;
  /** Reads and checks the document's file. Certificate files that are broken at the moment leave their last good version. */
  readonly readFile: (lastGood: Sources | undefined) => Promise<CheckedDocument>;
  readonly notices: Notices;
  /** For an error of the director's own that nobody waits for. */
  readonly onFault: (error: unknown) => void;
  /** For workers that start as the user of others: from now on they start as their own, or undefined if they do already. */
  readonly tryTakeWorkerUser: () => (() => void) | undefined;
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

  /**
   * Resolves when the first document is served: that of the file or, if it differs from what was saved last and cannot be
   * saved, the one in the store. Throws DirectorError.
   */
  async start(file: CheckedDocument): Promise<void> {
    await this.#parts.pool.start();
    try {
      await this.#serve({ kind: "document", checked: file });
    } catch (error) {
      if (!(error instanceof DirectorError) || error.code !== "state-unwritable") throw error;
      const { wanted, notice } = await startUnsaved(file, this.#parts);
      await this.#serve(wanted);
      this.#parts.notices.raise(notice);
    }
    this.#phase = "serving";
  }

  /** Reads the document's file again and applies what differs. Throws DirectorError; the state before goes on then. */
  reload(actor: Actor): Promise<ChangeResult> {
    const want = async (): Promise<Wanted> => ({
      kind: "document",
      checked: await this.#parts.readFile(this.#inForce?.sources),
    });
    return this.change({ kind: "document", actor, want });
  }

  /** Carries out one change when the changes before it are done. Throws DirectorError; the state before goes on then. */
  async change(request: ChangeRequest): Promise<ChangeResult> {
    const { kind, want, ...terms } = request;
    const work = async (): Promise<ChangeResult> => {
      const before = this.#inForce;
      const wanted = await want();
      if (terms.dryRun !== true) this.#tellBefore(before, wanted);
      const result = await applyChange(before, { ...terms, wanted }, this.#changeParts);
      if (terms.dryRun !== true) this.#settleOn(result, wanted);
      return result;
    };
    if (terms.dryRun === true) return this.#queue.run(work);
    const { changeLog } = this.#parts;
    return changeLog[kind](() => this.#queue.run(work));
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

  async #serve(wanted: Wanted): Promise<void> {
    await this.change({ kind: "document", actor: "start", want: () => Promise.resolve(wanted) });
  }

  #leave(): void {
    this.#phase = "draining";
    this.#watcher?.close();
    this.#parts.health.close();
    // A change that has still to read its files is none yet.
    this.#parts.reader.close().catch(this.#parts.onFault);
    this.#queue.close();
  }

  /** What the watcher found. If it throws, the watcher takes its new versions back. */
  async #changeCertificates(watcher: SourceWatcher, loaded: LoadedSources): Promise<void> {
    this.#parts.changeLog.certificateProblems(loaded.problems);
    const want = async (): Promise<Wanted> => {
      // A document that came first has read the files by itself.
      const isStale = watcher !== this.#watcher;
      const sources = (isStale ? this.#inForce?.sources : undefined) ?? loaded.sources;
      return { kind: "certificates", sources };
    };
    await this.change({ kind: "certificates", actor: "certificate-watcher", want });
  }

  #tellBefore(before: StateInForce | undefined, wanted: Wanted): void {
    if (wanted.kind !== "document") return;
    const { changeLog } = this.#parts;
    const { document, problems } = wanted.checked;
    changeLog.warnings(problems);
    if (before === undefined || document === undefined) return;
    const isSame = isDeepStrictEqual(before.document.director, document.director);
    if (!isSame) changeLog.needsRestart();
  }

  #settleOn({ before, after }: ChangeResult, wanted: Wanted): void {
    if (wanted.kind === "document") {
      for (const event of UNSAVED_START_NOTICES) this.#parts.notices.clear(event);
    }
    if (after === undefined || after === before) return;
    this.#inForce = after;
    this.#parts.health.follow(after.document, after.compiled.snapshot);
    if (wanted.kind === "document") this.#watch(after, wanted.checked.folder);
  }

  #watch({ document, sources }: StateInForce, folder: string): void {
    const { reader, onFault } = this.#parts;
    this.#watcher?.close();
    const watcher = new SourceWatcher({
      ...{ document, folder, sources, reader, onFault },
      onChange: (loaded) => this.#changeCertificates(watcher, loaded),
    });
    this.#watcher = watcher;
    watcher.start();
  }
}
