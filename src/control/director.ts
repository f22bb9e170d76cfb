import { isDeepStrictEqual } from "node:util";
import type { WrittenDocument } from "#model/document/written-document.ts";
import { DirectorError } from "#model/failure.ts";
import { isError } from "#model/problem.ts";
import type { CertificateStatus, DirectorStatus } from "#model/records/status.ts";
import type { NewVersions } from "./certificates/certificate-provider.ts";
import type { CertificateStore } from "./certificates/certificate-store.ts";
import { applyChange, type ChangeParts } from "./change/apply-change.ts";
import type {
  ChangePlan,
  ChangeRequest,
  ChangeResult,
  StateInForce,
  Wanted,
} from "./change/change.ts";
import { ChangeQueue } from "./change/change-queue.ts";
import type { DocumentFile } from "./change/document-file.ts";
import { planChange } from "./change/plan-change.ts";
import {
  chooseAtStart,
  chooseUnsaved,
  isUnsavedStart,
  UNSAVED_START_NOTICES,
} from "./change/start-document.ts";
import type { CheckedDocument } from "./check-file.ts";
import type { EventBus } from "./event-bus.ts";
import type { HealthChecks } from "./health/health-checks.ts";
import type { Standby } from "./health/standby.ts";
import type { AddressWatch } from "./network/address-watch.ts";
import { publishAddresses } from "./network/publish-addresses.ts";
import { ListenerNotices } from "./listener-notices.ts";
import type { Notices } from "./notice.ts";
import type { MaterialReader } from "./reader/material-reader.ts";
import { newWarningsOf } from "./warnings-in-force.ts";
import type { WorkerPool } from "./workers/worker-pool.ts";

export interface DirectorParts extends Omit<
  ChangeParts,
  "participants" | "nextNumber" | "decideStandby" | "onStandby"
> {
  readonly pool: WorkerPool;
  readonly health: HealthChecks;
  readonly standby: StandbyParts;
  readonly bus: EventBus;
  readonly reader: MaterialReader;
  readonly certificates: CertificateStore;
  readonly addressWatch: Pick<AddressWatch, "start" | "close">;
  readonly file: DocumentFile;
  /** Checks a document of the store, or the empty document, for a start. */
  readonly checkStored: (document: WrittenDocument) => Promise<CheckedDocument>;
  readonly notices: Notices;
  /** Called with an internal error that no caller handles. */
  readonly onFault: (error: unknown) => void;
  /**
   * New workers may have to run as the user of an earlier director's workers. If those workers have exited, makes new workers
   * run as their own user and returns a function that undoes this. Otherwise returns undefined.
   */
  readonly tryTakeWorkerUser: () => (() => void) | undefined;
}

/** What a director uses of the decisions about standby servers. */
interface StandbyParts extends Pick<Standby, "commit" | "onStandby" | "close"> {
  /** Reads what was decided before the start. */
  readonly restore: () => Promise<void>;
}

/** One running director: holds the state in force, carries out changes, and drains or stops. */
export class Director {
  readonly #parts: DirectorParts;
  readonly #changeParts: ChangeParts;
  readonly #queue = new ChangeQueue();
  #phase: DirectorStatus["state"] = "starting";
  #inForce: StateInForce | undefined;
  #lastRefusal: string | undefined;
  #lastNumber = 0;
  readonly #listenerNotices: ListenerNotices;

  constructor(parts: DirectorParts) {
    this.#parts = parts;
    this.#listenerNotices = new ListenerNotices(parts.bus, parts.notices);
    this.#changeParts = {
      ...parts,
      participants: parts.pool,
      decideStandby: (document, snapshot) => parts.standby.commit(document, snapshot),
      onStandby: () => parts.standby.onStandby(),
      nextNumber: () => {
        this.#lastNumber += 1;
        return this.#lastNumber;
      },
    };
    parts.certificates.subscribe((news) => this.#useNewVersions(news));
  }

  get phase(): DirectorStatus["state"] {
    return this.#phase;
  }

  /** Undefined until the first document is served. */
  get inForce(): StateInForce | undefined {
    return this.#inForce;
  }

  /** Why the last change was refused, or undefined if it was not. */
  get lastRefusal(): string | undefined {
    return this.#lastRefusal;
  }

  certificates(): readonly CertificateStatus[] {
    return this.#parts.certificates.status();
  }

  /**
   * Resolves when the first document is served: that of `file` or that of the store. `isForced` means the file. If the document
   * is new and cannot be saved, the one in the store is served instead. Rejects with DirectorError.
   */
  async start(file: CheckedDocument | undefined, isForced = false): Promise<void> {
    const { pool, notices, certificates, addressWatch, standby } = this.#parts;
    const wanted = await chooseAtStart(file, isForced, this.#parts);
    await Promise.all([pool.start(), standby.restore()]);
    try {
      await this.#serve(wanted);
    } catch (error) {
      if (!isUnsavedStart(error) || file === undefined) throw error;
      const choice = await chooseUnsaved(file, error, this.#parts);
      await this.#serve(choice.wanted);
      notices.raise(choice.notice);
    }
    this.#phase = "serving";
    certificates.start();
    addressWatch.start();
  }

  /** Computes what a change would do. It takes no place in the queue and asks no worker. */
  async plan({ precondition, want, forgetsSessions }: ChangeRequest): Promise<ChangePlan> {
    const before = this.#inForce;
    precondition?.(before);
    return planChange(before, await want(before), this.#changeParts, forgetsSessions);
  }

  /** Carries out one change after all earlier ones. If it throws DirectorError, the previous state stays. */
  async change(request: ChangeRequest): Promise<ChangeResult> {
    const { kind, by } = request;
    const startedMs = performance.now();
    const facts = () => {
      const seconds = Math.round(performance.now() - startedMs) / 1_000;
      return { kind, by, seconds, reason: request.reason };
    };
    const { bus } = this.#parts;
    try {
      request.precondition?.(this.#inForce);
      const result = await this.#queue.run(() => this.#carryOut(request));
      this.#lastRefusal = undefined;
      const name = result.isChanged ? "change-applied" : "change-unchanged";
      bus.publish({ name, ...facts(), result });
      return result;
    } catch (error) {
      const refusal = refusalOf(error);
      // A client of the API has got the reason.
      if (by.origin !== "socket") this.#lastRefusal = refusal.message;
      bus.publish({ name: "change-refused", ...facts(), refusal });
      throw error;
    }
  }

  /** Runs work that must not run beside a change. Rejects with `too-many-changes` and `draining`. */
  inTurn<Result>(work: () => Promise<Result>): Promise<Result> {
    return this.#queue.run(work);
  }

  /** Replaces every worker. Other changes may run between two replacements. */
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
    for (const worker of this.#parts.pool.participants()) {
      await this.#queue.run(() => this.#parts.pool.replace(worker));
    }
  }

  /** Finishes the running change, refuses all others, and waits for connections to end. Resolves to the number that were cut. */
  async drain(deadlineMs: number): Promise<number> {
    this.#leave();
    await this.#queue.untilIdle();
    return this.#parts.pool.drain(deadlineMs);
  }

  /** Ends all workers immediately. */
  async stop(): Promise<void> {
    this.#leave();
    await this.#parts.pool.stop();
  }

  async #serve(wanted: Wanted): Promise<void> {
    const want = (): Promise<Wanted> => Promise.resolve(wanted);
    await this.change({ kind: "document", by: { origin: "start" }, want });
  }

  #leave(): void {
    this.#phase = "draining";
    this.#parts.certificates.close();
    this.#parts.addressWatch.close();
    this.#parts.health.close();
    this.#parts.standby.close();
    // A change that is still reading its files fails.
    this.#parts.reader.close().catch(this.#parts.onFault);
    this.#queue.close();
  }

  async #carryOut(request: ChangeRequest): Promise<ChangeResult> {
    if (request.signal?.aborted === true) throw new DirectorError("client-gone");
    const before = this.#inForce;
    request.precondition?.(before);
    const wanted = await request.want(before);
    this.#publishWarnings(before, wanted);
    const result = await applyChange(before, wanted, request, this.#changeParts);
    this.#putInForce(result, wanted);
    return result;
  }

  async #useNewVersions(news: NewVersions): Promise<void> {
    const want = (): Promise<Wanted> =>
      Promise.resolve({ kind: "certificates", sources: news.sources() });
    await this.change({ kind: "certificates", by: { origin: "certificate-watcher" }, want });
  }

  /** Raises or clears the notices about certificates. To be called when their problems have changed. */
  noteCertificates(): void {
    this.#listenerNotices.update(this.#parts.certificates.inForce);
  }

  #publishWarnings(before: StateInForce | undefined, wanted: Wanted): void {
    if (wanted.kind !== "document") return;
    const { bus } = this.#parts;
    const { document, problems, problemsInForce } = wanted.checked;
    const reportedByStore = new Set(problemsInForce);
    for (const problem of problems) {
      // The event `address-missing` reports that a virtual IP is absent, once and not with each change.
      const isReported = reportedByStore.has(problem) || problem.code === "address-not-local";
      if (isError(problem) || isReported) continue;
      bus.publish({ name: "document-warning", problem });
    }
    if (before === undefined || document === undefined) return;
    const isSame = isDeepStrictEqual(before.document.director, document.director);
    if (!isSame) bus.publish({ name: "restart-needed" });
  }

  #putInForce({ before, after }: ChangeResult, wanted: Wanted): void {
    const { bus, certificates, file, health, notices } = this.#parts;
    if (after !== before) {
      this.#inForce = after;
      health.follow(after.document, after.compiled.snapshot, after.sources);
      publishAddresses(before, after, bus);
    }
    if (wanted.kind === "certificates" && before !== undefined) {
      for (const problem of newWarningsOf(before, after)) {
        bus.publish({ name: "certificate-warning", problem });
      }
    }
    if (wanted.kind !== "document") return;
    file.compare(after.written, wanted.file);
    for (const event of UNSAVED_START_NOTICES) notices.clear(event);
    const { document, entries } = wanted.checked;
    if (document !== undefined && entries !== undefined) certificates.follow(document, entries);
  }
}

const refusalOf = (error: unknown): DirectorError =>
  error instanceof DirectorError
    ? error
    : new DirectorError("internal", String(error), { cause: error });
