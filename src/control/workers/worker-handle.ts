import { DirectorError } from "#model/failure.ts";
import type { Engine, WorkerState, WorkerStatus } from "#model/records/status.ts";
import {
  PROTOCOL_VERSION,
  type PlannedCut,
  type ToControl,
  type OtherToWorker,
  type ToWorker,
  type Unsent,
  type UnsentPrepare,
} from "#protocol/messages.ts";
import type { Compiled } from "#control/compile-snapshot.ts";
import type { EventBus } from "#control/event-bus.ts";
import type { RestartCause } from "#control/telemetry/director-metrics.ts";
import type { SendOutcome } from "#protocol/channel.ts";
import { prepareDeadlineOf, type WorkerDeadlines } from "./deadlines.ts";
import { buildPrepare, buildTrial } from "./difference.ts";
import { LivenessWatch } from "./liveness-watch.ts";
import { boundNotices } from "./output-lines.ts";
import { ReplySlot } from "./reply-slot.ts";
import type { WorkerCommand } from "./worker-command.ts";
import { WorkerIntake } from "./worker-intake.ts";
import { WorkerQueries } from "./worker-queries.ts";
import { startWorkerProcess, type WorkerProcess } from "./worker-process.ts";
import type { WorkerEnd } from "./worker-end.ts";
import type { NoticeLevel, WorkerSink } from "./worker-sink.ts";

/** The deadlines at which workers cut open connections. */
export interface WorkerCuts {
  readonly planned: () => readonly PlannedCut[];
  /** Takes how many connections the worker has cut at the deadline of a planned cut. */
  readonly counted: (number: number, cut: number) => void;
}

export interface WorkerOptions {
  readonly id: number;
  readonly engine: Engine;
  readonly command: WorkerCommand;
  readonly sink: WorkerSink;
  readonly bus: EventBus;
  readonly cuts: WorkerCuts;
  readonly deadlines: WorkerDeadlines;
  /** Messages that the worker gets before its first `prepare`. */
  readonly greeting: () => readonly OtherToWorker[];
}

/** The result of `prepare` on one worker. It is `absent` if the worker died or missed the deadline. */
export type PrepareOutcome = "prepared" | "absent" | DirectorError;

const MAX_RUNTIME_CHARACTERS = 100;

const unexpected = (type: ToControl["type"]): string =>
  `The worker sent '${type}' although no such reply was expected.`;

/**
 * One worker process, seen from the control process. Each request has a deadline, and a worker that misses it is killed. So
 * after a request it is known what the worker serves, or the worker has ended.
 */
export class WorkerHandle {
  readonly id: number;
  /** Resolves to false if the worker did not start in time; it has then been killed. */
  readonly ready: Promise<boolean>;
  readonly ended: Promise<WorkerEnd>;
  readonly #options: WorkerOptions;
  readonly #process: WorkerProcess;
  /** Passes on a notice of the worker, within bounds. */
  readonly #tell: (level: NoticeLevel, text: string) => void;
  /** Passes on a notice about the worker, which must not be lost in a flood of its own lines. */
  readonly #tellUnbounded: (level: NoticeLevel, text: string) => void;
  readonly #startedAtMs = Date.now();
  readonly #replies = new ReplySlot();
  readonly #queries: WorkerQueries;
  readonly #liveness: LivenessWatch;
  readonly #intake = new WorkerIntake();
  #state: WorkerState = "starting";
  #isUp = false;
  #isGone = false;
  #killedFor: RestartCause | undefined;
  #killTimer: NodeJS.Timeout | undefined;
  #committed: Compiled | undefined;
  #prepared: Compiled | undefined;
  #runtime = "";
  #load = { openConnections: 0, residentBytes: 0, loopDelayMs: 0 };
  #cut: number | undefined;
  /** Whether the worker was last sent any cuts. */
  #hasCuts = false;
  #lastLine: string | undefined;

  constructor(options: WorkerOptions) {
    const { id, command, bus } = options;
    this.id = id;
    this.#options = options;
    this.#tellUnbounded = (level, text) => {
      this.#lastLine = text;
      bus.publish({ name: "worker-notice", worker: id, level, text });
    };
    this.#tell = boundNotices(this.#tellUnbounded);
    this.#queries = new WorkerQueries({
      send: (message) => this.send(message),
      onUnexpected: (type) => this.#misbehave(unexpected(type)),
    });
    this.#liveness = new LivenessWatch(options.deadlines.hungMs, {
      onHung: () => this.kill("hung"),
      onTick: (seconds) => this.#intake.passTime(seconds),
    });
    this.#process = startWorkerProcess(command, {
      onMessage: (message, bytes) => this.#hear(message, bytes),
      onLines: (lines) => this.#takeLines(lines),
      onMalformed: (text) => this.#misbehave(`The worker sent ${text}.`),
      onClose: () => this.#endUnlessItLeaves(),
      onLine: (stream, line) => this.#tell(stream === "stderr" ? "warn" : "info", line),
      onPrinted: (bytes) => {
        const objection = this.#intake.objectionToPrinted(bytes);
        if (objection !== undefined) this.#misbehave(objection);
      },
    });
    this.ended = this.#process.exited.then((exit) => this.#end(exit));
    this.ready = this.#becomeReady();
  }

  /** True if the worker is up and not draining, so that it can be asked to prepare. */
  get canParticipate(): boolean {
    return this.#isUp && !this.#isGone && this.#state !== "draining";
  }

  /** True if the worker can be asked for its connections, also while it drains. */
  get canAnswer(): boolean {
    return this.#isUp && !this.#isGone && this.#killedFor === undefined;
  }

  /** Asks for open connections or for a proof, or cuts connections. */
  get queries(): WorkerQueries {
    return this.#queries;
  }

  /** True if the worker was told to drain. Its end is then no failure. */
  get isDraining(): boolean {
    return this.#state === "draining";
  }

  /** Number of the snapshot that the worker serves; 0 before the first. */
  get snapshotNumber(): number {
    return this.#committed?.snapshot.number ?? 0;
  }

  status(): WorkerStatus {
    return {
      id: this.id,
      pid: this.#process.pid,
      engine: this.#options.engine,
      runtime: this.#runtime,
      state: this.#state,
      snapshot: this.snapshotNumber,
      ...this.#load,
      startedAt: new Date(this.#startedAtMs).toISOString(),
    };
  }

  /** Sends the difference to the snapshot that the worker serves. */
  async prepare(target: Compiled): Promise<PrepareOutcome> {
    const outcome = await this.#requestPrepare(target, buildPrepare(this.#committed, target));
    if (outcome === "prepared") this.#prepared = target;
    return outcome;
  }

  /** Lets this worker, which never serves clients, prepare the difference to `base`. */
  async tryOut(
    base: Compiled | undefined,
    target: Compiled,
    opensAddresses: boolean,
  ): Promise<PrepareOutcome> {
    return this.#requestPrepare(target, buildTrial(base, target, opensAddresses));
  }

  async #requestPrepare({ snapshot }: Compiled, change: UnsentPrepare): Promise<PrepareOutcome> {
    this.#intake.expect(snapshot);
    const deadlineMs = prepareDeadlineOf(change, this.#options.deadlines);
    const due = { number: change.number, deadlineMs };
    const kill = (): void => this.kill("prepare-deadline");
    const replied = this.#replies.expect(["prepared", "refused"], due, kill);
    await this.#sendLarge(change);
    const reply = await replied;
    if (reply === undefined) return "absent";
    if (reply.type === "refused") return new DirectorError(reply.code, reply.detail);
    if (reply.lacksAddress === true) {
      this.#options.bus.publish({ name: "worker-lacks-address", worker: this.id });
    }
    return "prepared";
  }

  /**
   * Resolves when the worker serves what it has prepared, or has ended. `standby` has the names of the profiles that standby
   * servers serve.
   */
  async commit(standby: readonly string[]): Promise<void> {
    const target = this.#prepared;
    if (target === undefined) return;
    const { number } = target.snapshot;
    const asked = this.#ask({ type: "commit", number, standby }, ["committed"]);
    this.tellCuts();
    const reply = await asked;
    this.#prepared = undefined;
    if (reply === undefined) return;
    this.#committed = target;
    if (this.#state === "starting") this.#state = "serving";
  }

  /**
   * Brings a draining worker to a newer state, for clients that it has accepted and does not serve yet: they must be shown what
   * is in force. So a busy worker is waited for, as long as it does not count as hung. If it refuses, it keeps the older state,
   * so that no open connection is lost.
   */
  async follow(target: Compiled, standby: readonly string[]): Promise<void> {
    const { number } = target.snapshot;
    this.#intake.expect(target.snapshot);
    const { commitMs, hungMs } = this.#options.deadlines;
    const due = { number, deadlineMs: commitMs + hungMs };
    const kill = (): void => this.kill("commit-deadline");
    const replied = this.#replies.expect(["committed", "refused"], due, kill);
    await this.#sendLarge(buildPrepare(this.#committed, target));
    this.send({ type: "commit", number, standby });
    this.tellCuts();
    const reply = await replied;
    if (reply?.type === "committed") this.#committed = target;
    // If it is not known what the worker serves, the next `prepare` starts from nothing.
    else if (reply === undefined) this.#committed = undefined;
  }

  /** Sends the cuts that are planned, unless there are none and the worker has none. */
  tellCuts(): void {
    const cuts = this.#options.cuts.planned();
    if (cuts.length === 0 && !this.#hasCuts) return;
    this.#hasCuts = cuts.length > 0;
    this.send({ type: "cuts", cuts });
  }

  /** Resolves when the worker has discarded what it has prepared, or has ended. */
  async rollBack(): Promise<void> {
    const number = this.#prepared?.snapshot.number;
    if (number === undefined) return;
    this.#prepared = undefined;
    await this.#ask({ type: "rollback", number }, ["rolled-back"]);
  }

  /**
   * Resolves when the worker accepts no more connections. It exits when its connections have ended, at the latest at the
   * deadline. A second call can bring the deadline forward.
   */
  async drain(deadlineMs: number): Promise<void> {
    this.#killAfter(deadlineMs + this.#options.deadlines.exitMs);
    if (this.isDraining) return this.send({ type: "drain", deadlineMs });
    this.#state = "draining";
    if (!this.#isUp) return this.kill("exited");
    this.#replies.abandon();
    await this.#ask({ type: "drain", deadlineMs }, ["draining", "drained"]);
  }

  send(message: OtherToWorker): void {
    this.#noteOutcome(this.#process.send(message));
  }

  async #sendLarge(message: Unsent): Promise<void> {
    this.#noteOutcome(await this.#process.sendLarge(message));
  }

  #noteOutcome(outcome: SendOutcome): void {
    if (outcome !== "full") return;
    if (this.#killedFor !== undefined) return;
    this.#tellUnbounded("error", "The worker does not read its messages.");
    this.kill("hung");
  }

  kill(cause: RestartCause): void {
    this.#killedFor ??= cause;
    this.#process.kill();
  }

  async #becomeReady(): Promise<boolean> {
    const due = { deadlineMs: this.#options.deadlines.startMs };
    const reply = await this.#replies.expect(["ready"], due, () => this.kill("start-deadline"));
    if (reply === undefined) return false;
    if (reply.protocol !== PROTOCOL_VERSION) {
      this.#misbehave(
        `The worker speaks protocol version ${reply.protocol}, not ${PROTOCOL_VERSION}.`,
      );
      return false;
    }
    this.#runtime = reply.runtime.slice(0, MAX_RUNTIME_CHARACTERS);
    for (const message of this.#options.greeting()) this.send(message);
    this.#isUp = true;
    this.#liveness.start();
    return true;
  }

  /** Resolves to undefined if no reply will come, because the worker has ended or drains. */
  #ask<Name extends ToControl["type"]>(
    message: Extract<ToWorker, { readonly type: "commit" | "rollback" | "drain" }>,
    types: readonly Name[],
  ) {
    this.send(message);
    const deadlineMs = this.#options.deadlines.commitMs;
    const due = "number" in message ? { number: message.number, deadlineMs } : { deadlineMs };
    return this.#replies.expect(types, due, () => this.kill("commit-deadline"));
  }

  #hear(value: unknown, bytes: number): void {
    if (this.#killedFor !== undefined) return;
    const taken = this.#intake.take(value, bytes);
    if ("objection" in taken) return this.#misbehave(taken.objection);
    const { message } = taken;
    switch (message.type) {
      case "heartbeat": {
        const { openConnections, residentBytes, loopDelayMs } = message;
        this.#load = { openConnections, residentBytes, loopDelayMs };
        return this.#liveness.heartbeat();
      }
      case "counted":
        return this.#options.sink.counted(this.id, message.listeners);
      case "servers":
        return this.#options.sink.servers(this.id, message.servers);
      case "certificates":
        return this.#options.sink.certificates(message.certificates);
      case "events":
        return this.#options.sink.events(message);
      case "notice":
        return this.#tell(message.level, message.text);
      case "cut-at-deadline":
        return this.#options.cuts.counted(message.number, message.cut);
      case "drained":
        this.#cut ??= message.cut;
        this.#killAfter(this.#options.deadlines.exitMs);
        return this.#takeReply(message);
      case "connections":
      case "cut":
      case "proving":
        return this.#queries.take(message);
      case "ready":
      case "prepared":
      case "refused":
      case "committed":
      case "rolled-back":
      case "draining":
        return this.#takeReply(message);
      default:
        message satisfies never;
    }
  }

  #takeLines(lines: Buffer): void {
    if (this.#killedFor !== undefined) return;
    const taken = this.#intake.takeLines(lines);
    if ("objection" in taken) this.#misbehave(taken.objection);
    else this.#options.sink.lines(taken);
  }

  /** Kills a worker that has closed its channel and does not exit. */
  #endUnlessItLeaves(): void {
    if (this.#isGone || this.#killedFor !== undefined) return;
    const timer = setTimeout(
      () => this.#misbehave("The worker closed its channel and did not exit."),
      this.#options.deadlines.exitMs,
    );
    this.#process.exited.finally(() => clearTimeout(timer)).catch(() => undefined);
  }

  #takeReply(message: ToControl): void {
    // A draining worker may still answer an earlier request.
    if (this.#replies.offer(message) || this.isDraining) return;
    this.#misbehave(unexpected(message.type));
  }

  #misbehave(text: string): void {
    if (this.#killedFor !== undefined) return;
    this.#tellUnbounded("error", text);
    this.kill("misbehaved");
  }

  #killAfter(ms: number): void {
    clearTimeout(this.#killTimer);
    this.#killTimer = setTimeout(() => this.kill("exited"), ms);
  }

  #end(exit: string): WorkerEnd {
    this.#isGone = true;
    this.#liveness.close();
    clearTimeout(this.#killTimer);
    this.#replies.close();
    this.#queries.close();
    return {
      cause: this.#killedFor ?? "exited",
      exit,
      livedMs: Date.now() - this.#startedAtMs,
      cut: this.#cut ?? this.#load.openConnections,
      lastLine: this.#lastLine,
    };
  }
}
