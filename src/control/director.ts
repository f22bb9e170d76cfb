import { isDeepStrictEqual } from "node:util";
import { DirectorError } from "#model/failure.ts";
import type { ListenerName } from "#model/names.ts";
import { isError } from "#model/problem.ts";
import type { CertificateStatus, DirectorStatus } from "#model/records/status.ts";
import { applyChange, type ChangeParts } from "./apply-change.ts";
import type { NewVersions } from "./certificates/certificate-provider.ts";
import type { CertificateStore } from "./certificates/certificate-store.ts";
import type { Actor, ChangeRequest, ChangeResult, StateInForce, Wanted } from "./change.ts";
import { ChangeQueue } from "./change-queue.ts";
import type { DocumentInForce } from "./certificates/source-entry.ts";
import type { CheckedDocument } from "./check-file.ts";
import type { EventBus } from "./event-bus.ts";
import type { HealthChecks } from "./health/health-checks.ts";
import { ListenerStates, type ListenerState } from "./listener-state.ts";
import type { Notices } from "./notice.ts";
import type { MaterialReader } from "./reader/material-reader.ts";
import { listenersOf } from "#model/document/document-listeners.ts";
import { startUnsaved, UNSAVED_START_NOTICES, type UnsavedStartParts } from "./start-unsaved.ts";
import { newWarningsOf } from "./warnings-in-force.ts";
import type { WorkerPool } from "./workers/worker-pool.ts";

const TRUST_REFUSED = "trust-files-refused";
const LISTENERS_IMPAIRED = "listeners-impaired";
/** One expired CA bundle can impair thousands of listeners at the same time. */
const MAX_STATE_EVENTS = 100;

export interface DirectorParts
  extends Omit<ChangeParts, "participants" | "nextNumber">, UnsavedStartParts {
  readonly pool: WorkerPool;
  readonly health: HealthChecks;
  readonly bus: EventBus;
  readonly reader: MaterialReader;
  readonly certificates: CertificateStore;
  /** Reads the file of the document and checks it as a change of the document in force. */
  readonly readFile: (inForce: DocumentInForce | undefined) => Promise<CheckedDocument>;
  readonly notices: Notices;
  /** Called with an internal error that no caller handles. */
  readonly onFault: (error: unknown) => void;
  /**
   * New workers may have to run as the user of an earlier director's workers. If those workers have exited, makes new workers
   * run as their own user and returns a function that undoes this. Otherwise returns undefined.
   */
  readonly tryTakeWorkerUser: () => (() => void) | undefined;
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
  /** The listeners that are not up because of their certificates or CA bundles. */
  #impaired: ReadonlyMap<ListenerName, ListenerState> = new Map();

  constructor(parts: DirectorParts) {
    this.#parts = parts;
    this.#changeParts = {
      ...parts,
      participants: parts.pool,
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
   * Resolves when the first document is served. It is the document of the file. If that document is new and cannot be saved, the
   * document in the store is served instead. Throws DirectorError.
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
    this.#parts.certificates.start();
  }

  /** Reads the file of the document again and applies the differences. If it throws DirectorError, the previous state stays. */
  reload(actor: Actor): Promise<ChangeResult> {
    const want = async (): Promise<Wanted> => ({
      kind: "document",
      checked: await this.#parts.readFile(this.#parts.certificates.inForce),
    });
    return this.change({ kind: "document", actor, want });
  }

  /** Carries out one change after all earlier ones. If it throws DirectorError, the previous state stays. */
  async change(request: ChangeRequest): Promise<ChangeResult> {
    const { kind, actor } = request;
    const startedMs = performance.now();
    const facts = () => {
      const seconds = Math.round(performance.now() - startedMs) / 1_000;
      return { kind, actor, seconds };
    };
    const { bus } = this.#parts;
    try {
      const result = await this.#queue.run(() => this.#carryOut(request));
      if (request.dryRun === true) return result;
      this.#lastRefusal = undefined;
      const name = result.isChanged ? "change-applied" : "change-unchanged";
      bus.publish({ name, ...facts(), result });
      return result;
    } catch (error) {
      if (request.dryRun === true) throw error;
      const refusal = refusalOf(error);
      this.#lastRefusal = refusal.message;
      bus.publish({ name: "change-refused", ...facts(), refusal });
      throw error;
    }
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
    await this.change({ kind: "document", actor: "start", want: () => Promise.resolve(wanted) });
  }

  #leave(): void {
    this.#phase = "draining";
    this.#parts.certificates.close();
    this.#parts.health.close();
    // A change that is still reading its files fails.
    this.#parts.reader.close().catch(this.#parts.onFault);
    this.#queue.close();
  }

  async #carryOut(request: ChangeRequest): Promise<ChangeResult> {
    const before = this.#inForce;
    const wanted = await request.want();
    const isDryRun = request.dryRun === true;
    if (!isDryRun) this.#publishWarnings(before, wanted);
    const result = await applyChange(before, { ...request, wanted }, this.#changeParts);
    if (!isDryRun) this.#putInForce(result, wanted);
    return result;
  }

  async #useNewVersions(news: NewVersions): Promise<void> {
    const want = (): Promise<Wanted> =>
      Promise.resolve({ kind: "certificates", sources: news.sources() });
    await this.change({ kind: "certificates", actor: "certificate-watcher", want });
  }

  /** Raises or clears the notices about certificates. To be called when their problems have changed. */
  noteCertificates(): void {
    this.#noteRefusedTrust();
    this.#noteImpairedListeners();
  }

  /** CA bundles and revocation lists need a notice because, unlike certificates, they have no state in the status. */
  #noteRefusedTrust(): void {
    const { certificates, notices } = this.#parts;
    const entries = [...(certificates.inForce?.entries.trusts.values() ?? [])];
    const refused = entries.flatMap(({ refusals }) => refusals.slice(0, 1));
    const [first] = refused;
    if (first === undefined) return notices.clear(TRUST_REFUSED);
    notices.raise({
      event: TRUST_REFUSED,
      text: `New CA or CRL files are refused (${refused.length}). ${first.path}: ${first.message}`,
    });
  }

  #noteImpairedListeners(): void {
    const { certificates, notices } = this.#parts;
    const { inForce } = certificates;
    if (inForce === undefined) return;
    const states = new ListenerStates(inForce, Date.now());
    const impaired = new Map(
      listenersOf(inForce.document).flatMap((place) => {
        const state = states.of(place);
        return state.state === "up" ? [] : [[place.name, state] as const];
      }),
    );
    this.#publishListenerStates(impaired);
    const [first] = impaired;
    if (first === undefined) return notices.clear(LISTENERS_IMPAIRED);
    const [name, { state, reason }] = first;
    const text = `Listeners that cannot serve all clients: ${impaired.size}. ${name} is ${state}: ${reason}`;
    notices.raise({ event: LISTENERS_IMPAIRED, text });
  }

  /** Publishes an event for each listener that has changed its state. */
  #publishListenerStates(impaired: ReadonlyMap<ListenerName, ListenerState>): void {
    const before = this.#impaired;
    this.#impaired = impaired;
    const changed = [...impaired].filter(([name, { state, reason }]) => {
      const known = before.get(name);
      return known?.state !== state || known.reason !== reason;
    });
    const up = [...before.keys()]
      .filter((name) => !impaired.has(name))
      .map((name): [ListenerName, ListenerState] => [name, { state: "up" }]);
    for (const [listener, { state, reason }] of [...changed, ...up].slice(0, MAX_STATE_EVENTS)) {
      this.#parts.bus.publish({ name: "listener-state", listener, state, reason });
    }
  }

  #publishWarnings(before: StateInForce | undefined, wanted: Wanted): void {
    if (wanted.kind !== "document") return;
    const { bus } = this.#parts;
    const { document, problems, problemsInForce } = wanted.checked;
    const reportedByStore = new Set(problemsInForce);
    for (const problem of problems) {
      if (isError(problem) || reportedByStore.has(problem)) continue;
      bus.publish({ name: "document-warning", problem });
    }
    if (before === undefined || document === undefined) return;
    const isSame = isDeepStrictEqual(before.document.director, document.director);
    if (!isSame) bus.publish({ name: "restart-needed" });
  }

  #putInForce({ before, after }: ChangeResult, wanted: Wanted): void {
    const { bus, certificates, health, notices } = this.#parts;
    if (after !== undefined && after !== before) {
      this.#inForce = after;
      health.follow(after.document, after.compiled.snapshot);
    }
    if (wanted.kind === "certificates" && before !== undefined && after !== undefined) {
      for (const problem of newWarningsOf(before, after)) {
        bus.publish({ name: "certificate-warning", problem });
      }
    }
    if (wanted.kind !== "document") return;
    for (const event of UNSAVED_START_NOTICES) notices.clear(event);
    const { document, entries } = wanted.checked;
    if (document !== undefined && entries !== undefined) certificates.follow(document, entries);
  }
}

const refusalOf = (error: unknown): DirectorError =>
  error instanceof DirectorError
    ? error
    : new DirectorError("internal", String(error), { cause: error });
