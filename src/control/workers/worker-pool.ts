import { setTimeout as delay } from "node:timers/promises";
import { DirectorError } from "#model/failure.ts";
import type { Engine, WorkerStatus } from "#model/records/status.ts";
import type { OtherToWorker } from "#protocol/messages.ts";
import type { Compiled } from "#control/compile-snapshot.ts";
import type { EventBus } from "#control/event-bus.ts";
import { backOffMsOf, WORKER_DEADLINES, type WorkerDeadlines } from "./deadlines.ts";
import type { PrepareRound, Participants } from "./rollout.ts";
import { TicketKeys } from "./ticket-keys.ts";
import { tryOut } from "./try-out.ts";
import type { WorkerCommand } from "./worker-command.ts";
import type { WorkerEnd } from "./worker-end.ts";
import { WorkerHandle, type WorkerCuts } from "./worker-handle.ts";
import type { WorkerSink } from "./worker-sink.ts";

export interface WorkerPoolOptions {
  readonly size: number;
  readonly engine: Engine;
  readonly command: WorkerCommand;
  readonly sink: WorkerSink;
  readonly bus: EventBus;
  readonly cuts: WorkerCuts;
  readonly deadlines?: WorkerDeadlines;
  /** Called with the pids of all workers whenever a worker is added or removed. */
  readonly onRoster?: (pids: readonly number[]) => void;
}

/** How long connections may continue on a worker that has a successor. */
const SUCCEEDED_DRAIN_MS = 3_600_000;
const PARTICIPANT_POLL_MS = 20;

/**
 * Keeps the wanted number of workers running on the saved state. A worker that ends is replaced after a pause, which grows
 * while replacements keep ending. The other workers serve meanwhile.
 */
export class WorkerPool implements Participants {
  readonly #options: WorkerPoolOptions;
  readonly #deadlines: WorkerDeadlines;
  readonly #workers = new Set<WorkerHandle>();
  /** Workers that are being brought to the saved state. */
  readonly #catchingUp = new Map<WorkerHandle, Promise<void>>();
  /** Workers that try a change and serve no clients. */
  readonly #probes = new Set<WorkerHandle>();
  readonly #stopping = new AbortController();
  readonly #ticketKeys = new TicketKeys((key) => {
    for (const worker of this.#workers) worker.send({ type: "ticket-keys", key });
  });
  #saved: Compiled | undefined;
  #down: readonly string[] = [];
  #standby: readonly string[] = [];
  #lastId = 0;

  constructor(options: WorkerPoolOptions) {
    this.#options = options;
    this.#deadlines = options.deadlines ?? WORKER_DEADLINES;
  }

  /** Resolves when the first workers have started. Rejects with `worker-failed` if none of them starts. */
  async start(): Promise<void> {
    // On engine bun, processes cannot share ticket keys.
    if (this.#options.engine === "node") this.#ticketKeys.start();
    const first = Array.from({ length: this.#options.size }, () => this.#hire());
    for (const worker of first) this.#hold(this.#keep(worker));
    const areUp = await Promise.all(first.map(({ ready }) => ready));
    if (!areUp.includes(true)) throw await startFailureOf(first[0]);
  }

  statuses(): readonly WorkerStatus[] {
    return [...this.#workers].map((worker) => worker.status());
  }

  /** Every worker that may have open connections, also while it drains. */
  answering(): readonly WorkerHandle[] {
    return [...this.#workers].filter(({ canAnswer }) => canAnswer);
  }

  participants(): readonly WorkerHandle[] {
    return [...this.#workers].filter(
      (worker) => worker.canParticipate && !this.#catchingUp.has(worker),
    );
  }

  async untilParticipant(): Promise<void> {
    const expiresAtMs = performance.now() + this.#deadlines.startMs;
    while (this.participants().length === 0) {
      if (this.#stopping.signal.aborted) throw new DirectorError("draining");
      if (performance.now() >= expiresAtMs) {
        throw new DirectorError("worker-failed", "No worker is up.");
      }
      await delay(PARTICIPANT_POLL_MS);
    }
  }

  async commitRound(
    compiled: Compiled,
    standby: readonly string[],
    { prepared, refusals }: PrepareRound,
  ): Promise<void> {
    this.#saved = compiled;
    this.#standby = standby;
    const bringToCompiled = (worker: WorkerHandle): Promise<void> => {
      if (prepared.has(worker)) return worker.commit(standby);
      return refusals.has(worker) ? this.#replaceRefuser(worker) : this.#catchUp(worker);
    };
    // A worker that is not up yet accepts no connections before it has caught up.
    const workers = [...this.#workers];
    await Promise.all([
      ...workers.filter(({ canParticipate }) => canParticipate).map(bringToCompiled),
      ...workers
        .filter(({ isDraining }) => isDraining)
        .map((worker) => worker.follow(compiled, standby)),
    ]);
  }

  tellCuts(): void {
    for (const worker of this.#workers) if (worker.canAnswer) worker.tellCuts();
  }

  async tryOut(target: Compiled, round: PrepareRound): Promise<DirectorError | undefined> {
    const probe = this.#start();
    this.#probes.add(probe);
    try {
      return await tryOut(probe, { saved: this.#saved, target }, round, this.#options.bus);
    } finally {
      this.#probes.delete(probe);
    }
  }

  async replaceRefusers(
    refusers: Iterable<WorkerHandle>,
    cause: "refused" | "unproven" = "refused",
  ): Promise<void> {
    await Promise.all([...refusers].map((worker) => this.#replaceRefuser(worker, cause)));
  }

  /** The worker is drained even if no successor starts, because its answers cannot be relied on. */
  async #replaceRefuser(
    worker: WorkerHandle,
    cause: "refused" | "unproven" = "refused",
  ): Promise<void> {
    if (!worker.canParticipate) return;
    this.#options.bus.publish({ name: "worker-restarted", cause });
    const successor = this.#hire();
    this.#hold(this.#keep(successor));
    await this.#catchUp(successor);
    await worker.drain(SUCCEEDED_DRAIN_MS);
  }

  /** Takes the keys of all endpoints that the active checks have found down. */
  setHealth(down: readonly string[]): void {
    this.#down = down;
    for (const worker of this.#workers) worker.send({ type: "health", down });
  }

  /** Takes the names of all profiles that standby servers serve. It is applied at once. */
  setStandby(profiles: readonly string[]): void {
    this.#standby = profiles;
    for (const worker of this.#workers) worker.send({ type: "standby", profiles });
  }

  /**
   * Starts a successor, and drains the worker when the successor serves. Connections of the worker may continue for an hour.
   * Must not be called during a rollout. Throws `worker-failed` if the successor does not start; the worker then stays.
   */
  async replace(worker: WorkerHandle): Promise<void> {
    const successor = this.#hire();
    await this.#catchUp(successor);
    if (!successor.canParticipate) throw await startFailureOf(successor);
    // If the worker has ended meanwhile, it is being replaced already.
    if (!worker.canParticipate) return successor.drain(0);
    this.#hold(this.#keep(successor));
    await worker.drain(SUCCEEDED_DRAIN_MS);
  }

  /**
   * Replaces all workers at once, for successors that cannot listen beside their predecessors. New connections are refused
   * between the last of the old workers and the first of the new ones. Must not be called during a rollout. Throws
   * `worker-failed` if a successor does not start; the workers then stay.
   */
  async replaceAll(): Promise<void> {
    const leaving = this.participants();
    const cleared = Promise.withResolvers<void>();
    const successors = leaving.map(() => this.#hire(cleared.promise));
    const areUp = await Promise.all(successors.map(({ ready }) => ready));
    const failed = successors[areUp.indexOf(false)];
    if (failed !== undefined) {
      await Promise.all(successors.map((successor) => successor.drain(0)));
      cleared.resolve();
      throw await startFailureOf(failed);
    }
    await Promise.all(leaving.map((worker) => worker.drain(SUCCEEDED_DRAIN_MS)));
    cleared.resolve();
    for (const successor of successors) this.#hold(this.#keep(successor));
    await Promise.all(successors.map((successor) => this.#catchUp(successor)));
  }

  /** Stops accepting, lets connections end, and cuts the rest at the deadline. Resolves to the number that were cut. */
  async drain(deadlineMs: number): Promise<number> {
    this.#close();
    const workers = [...this.#workers];
    await Promise.all(workers.map((worker) => worker.drain(deadlineMs)));
    const ends = await Promise.all(workers.map(({ ended }) => ended));
    return ends.reduce((sum, { cut }) => sum + cut, 0);
  }

  /** Ends every worker at once. */
  async stop(): Promise<void> {
    this.#close();
    const workers = [...this.#workers, ...this.#probes];
    for (const worker of workers) worker.kill("exited");
    await Promise.all(workers.map(({ ended }) => ended));
  }

  #close(): void {
    this.#stopping.abort();
    this.#ticketKeys.close();
  }

  /** The worker prepares nothing before `cleared`. */
  #hire(cleared?: Promise<void>): WorkerHandle {
    const worker = this.#start();
    this.#workers.add(worker);
    this.#tellRoster();
    this.#hold(worker.ended.then((end) => this.#forget(worker, end)));
    this.#hold(this.#catchUp(worker, cleared));
    return worker;
  }

  #start(): WorkerHandle {
    const { engine, command, sink, bus, cuts } = this.#options;
    this.#lastId += 1;
    return new WorkerHandle({
      id: this.#lastId,
      engine,
      command,
      sink,
      bus,
      cuts,
      deadlines: this.#deadlines,
      greeting: () => this.#greeting(),
    });
  }

  /** Logs what `work` rejects with. Used for work that no caller waits for. */
  #hold(work: Promise<void>): void {
    work.catch((cause: unknown) => this.#tellMistake(cause));
  }

  #tellMistake(cause: unknown): void {
    const detail = cause instanceof Error ? (cause.stack ?? cause.message) : String(cause);
    this.#options.bus.publish({ name: "supervision-mistake", detail });
  }

  #greeting(): readonly OtherToWorker[] {
    const health = { type: "health", down: this.#down } as const;
    const key = this.#ticketKeys.current;
    return key === undefined ? [health] : [{ type: "ticket-keys", key }, health];
  }

  /** Replaces the worker when it ends, then each of its replacements, until one ends because it was drained. */
  async #keep(first: WorkerHandle): Promise<void> {
    let worker = first;
    let pauseMs = 0;
    for (;;) {
      const { cause, livedMs } = await worker.ended;
      if (worker.isDraining || this.#stopping.signal.aborted) return;
      this.#options.bus.publish({ name: "worker-restarted", cause });
      pauseMs = backOffMsOf(pauseMs, livedMs);
      await delay(pauseMs, undefined, { signal: this.#stopping.signal }).catch(() => undefined);
      if (this.#stopping.signal.aborted) return;
      worker = this.#hire();
    }
  }

  /** Brings the worker to the saved state, which may change meanwhile. Resolves when the worker serves it or has ended. */
  async #catchUp(worker: WorkerHandle, cleared?: Promise<void>): Promise<void> {
    const underWay = this.#catchingUp.get(worker);
    if (underWay !== undefined) return underWay;
    const done = Promise.withResolvers<void>();
    this.#catchingUp.set(worker, done.promise);
    try {
      if (await worker.ready) this.#tellReady(worker);
      await cleared;
      while (this.#isBehind(worker)) await this.#prepareSaved(worker);
    } catch (cause) {
      this.#tellMistake(cause);
      worker.kill("refused");
      await worker.ended;
    }
    // In the same turn as the last comparison with the saved state, so that a later change starts a new catch-up.
    this.#catchingUp.delete(worker);
    done.resolve();
  }

  #isBehind(worker: WorkerHandle): boolean {
    const wanted = this.#saved?.snapshot.number;
    return wanted !== undefined && worker.canParticipate && worker.snapshotNumber !== wanted;
  }

  async #prepareSaved(worker: WorkerHandle): Promise<void> {
    if (this.#saved === undefined) return;
    const outcome = await worker.prepare(this.#saved);
    if (outcome instanceof DirectorError) {
      this.#options.bus.publish({ name: "worker-refused", worker: worker.id, refusal: outcome });
      worker.kill("refused");
      await worker.ended;
    }
    await worker.commit(this.#standby);
  }

  /** If the record cannot be written, for example on a full disk, the workers are not affected. */
  #tellRoster(): void {
    try {
      this.#options.onRoster?.([...this.#workers].map((worker) => worker.status().pid));
    } catch (cause) {
      this.#options.bus.publish({ name: "worker-record-unwritten", detail: String(cause) });
    }
  }

  #tellReady(worker: WorkerHandle): void {
    const { id, pid, runtime } = worker.status();
    this.#options.bus.publish({ name: "worker-ready", worker: id, pid, runtime });
  }

  #forget(worker: WorkerHandle, { cause, exit, livedMs }: WorkerEnd): void {
    this.#workers.delete(worker);
    this.#tellRoster();
    const wasToldToLeave = worker.isDraining || this.#stopping.signal.aborted;
    this.#options.bus.publish({
      ...{ name: "worker-gone", worker: worker.id, exit, livedMs },
      cause: wasToldToLeave ? undefined : cause,
    });
  }
}

async function startFailureOf(worker: WorkerHandle | undefined): Promise<DirectorError> {
  const end = await worker?.ended;
  return new DirectorError(
    "worker-failed",
    end && `${end.lastLine ?? "The worker printed nothing"} (${end.exit}).`,
  );
}
