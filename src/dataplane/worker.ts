import { DirectorError, type FailureCode } from "#model/failure.ts";
import type { ListenerName, MaterialId, ServerPair } from "#model/names.ts";
import type { SnapshotListener } from "#model/records/snapshot.ts";
import type { Prepare, ToControl, ToWorker } from "#protocol/messages.ts";
import { buildRuntime, EMPTY_RUNTIME, type BuiltRules, type Runtime } from "./build-runtime.ts";
import { serveConnection } from "./connection/connection.ts";
import type { Plane } from "./connection/connection-state.ts";
import { dataplaneModeOf } from "./dataplane-mode.ts";
import type { PlannedCuts } from "./connection/planned-cuts.ts";
import type { EndpointHealths } from "./endpoint/endpoint-health.ts";
import { usesOf } from "./listener-uses.ts";
import { LiveListeners, type LiveListener } from "./live-listeners.ts";
import type { Address, Deliver, ListeningSockets } from "./live/listening-sockets.ts";
import { inSlices, type Steps } from "./live/in-slices.ts";
import type { Counters } from "./observe/counters.ts";
import { Proofs } from "./proofs.ts";

/**
 * How many TLS contexts a prepare builds. A certificate that the engine refuses then makes the worker refuse the
 * change.
 */
const MAX_CONTEXTS_IN_PREPARE = 500;
const MAX_NOTICE_CHARACTERS = 500;

/** The messages that are handled one after the other. */
export type WorkerMessage = Exclude<
  ToWorker,
  { readonly type: "drain" | "list-connections" | "cut-connections" }
>;

export interface WorkerParts {
  readonly plane: Plane;
  readonly counters: Counters;
  readonly healths: EndpointHealths;
  readonly sockets: ListeningSockets;
  readonly cuts: PlannedCuts;
  readonly send: (message: ToControl) => void;
}

/** The state machine of a worker: the runtime in force, the prepared runtime, and the drain. */
export class Worker {
  readonly #parts: WorkerParts;
  readonly #listeners: LiveListeners;
  readonly #proofs: Proofs;
  readonly #deliveries = new WeakMap<LiveListener, Deliver>();
  #current: Runtime = EMPTY_RUNTIME;
  #prepared: Runtime | undefined;
  /** The change that is being prepared. */
  #preparing: Prepare | undefined;
  #isDraining = false;
  #isOrphan = false;
  #drained: Promise<void> | undefined;
  /** Number of connections that were still open at the drain deadline and were closed. */
  #cut = 0;
  /** The messages are handled in order, one at a time, so that a commit waits for the prepare before it. */
  #queue: Promise<void> = Promise.resolve();

  constructor(parts: WorkerParts) {
    this.#parts = parts;
    this.#listeners = new LiveListeners(parts.counters, () => this.#forgetUnused());
    const { plane, send } = parts;
    this.#proofs = new Proofs({
      plane,
      send,
      tryListener: (name) => this.#listeners.tryCurrent(name),
    });
  }

  receive(message: WorkerMessage): void {
    this.#queue = this.#queue
      .then(() => this.#handle(message))
      .catch((cause: unknown) => this.reportError(message.type, cause));
  }

  /**
   * Reports an error that is a bug. No reply is sent then, so the control process replaces the worker at the deadline
   * of the reply.
   */
  reportError(what: string, cause: unknown): void {
    const text = `The worker failed at ${what}: ${String(cause)}`.slice(0, MAX_NOTICE_CHARACTERS);
    this.#parts.send({ type: "notice", level: "error", text });
  }

  async #handle(message: WorkerMessage): Promise<void> {
    const { plane, healths, cuts } = this.#parts;
    switch (message.type) {
      case "prepare":
        return this.#prepare(message);
      case "commit":
        healths.setOnStandby(message.standby);
        return this.#commit(message.number);
      case "rollback":
        return this.#rollBack(message.number);
      case "prove":
        return this.#proofs.open(message);
      case "cuts":
        return cuts.replace(message.cuts);
      case "health":
        healths.setCheckedDown(message.down);
        return;
      case "standby":
        healths.setOnStandby(message.profiles);
        return;
      case "ticket-keys":
        plane.contexts.setTicketBaseKey(Buffer.from(message.key, "base64"));
        return;
      default:
        message satisfies never;
    }
  }

  async #prepare(change: Prepare): Promise<void> {
    const { plane, healths, sockets, send } = this.#parts;
    const { number } = change;
    let stage = "the snapshot";
    try {
      sockets.rollBack();
      if (change.base !== 0 && change.base !== this.#current.number) {
        throw new TypeError(
          `The change is based on snapshot ${change.base}, but the worker serves snapshot ${this.#current.number}.`,
        );
      }
      this.#preparing = change;
      plane.contexts.addMaterial(change.material);
      const { runtime, built } = await inSlices(
        buildRuntime(this.#current, change, healths, (id) => plane.contexts.materialOf(id)),
      );
      const setStage = (name: ListenerName): void => {
        stage = name;
      };
      await inSlices(this.#buildContexts(built, setStage));
      stage = "listen";
      // A worker that drains opens no sockets, but takes part in changes because clients still wait in it.
      const wanted = addressesOf(runtime, change, this.#isDraining);
      const hasAll = await sockets.prepare(wanted);
      if (this.#isOrphan) throw new Error("The control process is gone.");
      this.#prepared = runtime;
      this.#preparing = undefined;
      send({ type: "prepared", number, ...(hasAll ? {} : { lacksAddress: true }) });
    } catch (cause) {
      this.#preparing = undefined;
      sockets.rollBack();
      this.#forgetUnused();
      send({ type: "refused", number, ...refusalOf(cause, stage) });
    }
  }

  /** `onListener` is called with the name of each listener before its contexts are built. */
  *#buildContexts(
    built: readonly BuiltRules[],
    onListener: (name: ListenerName) => void,
  ): Steps<void> {
    const { contexts } = this.#parts.plane;
    let count = 0;
    for (const { rules, rebound } of built) {
      onListener(rules.spec.name);
      for (const _ of dataplaneModeOf(rules.spec).buildContexts(rules, contexts, rebound)) {
        yield;
        count += 1;
        if (count === MAX_CONTEXTS_IN_PREPARE) return;
      }
    }
  }

  #commit(number: number): void {
    const { plane, sockets, send } = this.#parts;
    const runtime = this.#prepared;
    if (runtime?.number !== number) return;
    this.#prepared = undefined;
    this.#current = runtime;
    plane.maxConnections = runtime.maxConnections;
    plane.relayMemory.limitBytes = runtime.relayMemoryBytes;
    this.#listeners.commit(runtime);
    plane.connections.reconsiderWaiting();
    inSlices(plane.http.h2.drainOutdated()).catch((cause: unknown) =>
      this.reportError("draining sessions", cause),
    );
    sockets.commit(
      new Map(
        Array.from(this.#listeners.current(), (listener) => [
          usesOf(listener.rules.spec).socketAddress,
          this.#deliveryTo(listener),
        ]),
      ),
    );
    this.#forgetUnused();
    send({ type: "committed", number });
  }

  /** Returns the same function for the life of the listener. */
  #deliveryTo(listener: LiveListener): Deliver {
    const { plane } = this.#parts;
    const known = this.#deliveries.get(listener);
    if (known !== undefined) return known;
    const deliver: Deliver = (socket) => {
      serveConnection(plane, listener, socket).catch((cause: unknown) =>
        this.reportError("a connection", cause),
      );
    };
    this.#deliveries.set(listener, deliver);
    return deliver;
  }

  #rollBack(number: number): void {
    const { sockets, send } = this.#parts;
    if (this.#prepared?.number === number) this.#prepared = undefined;
    sockets.rollBack();
    this.#forgetUnused();
    send({ type: "rolled-back", number });
  }

  /** Drops the material, contexts and endpoint states that neither a connection nor a change in progress can need. */
  #forgetUnused(): void {
    const { plane, healths } = this.#parts;
    const scopes = new Set<string>();
    const materials = this.#certificateMaterials();
    const endpoints = new Set<string>();
    const servers = new Set<ServerPair>();
    for (const spec of this.#specsInUse()) {
      const uses = usesOf(spec);
      for (const scope of uses.sessionScopes) scopes.add(scope);
      for (const id of uses.shared) materials.add(id);
      for (const endpoint of uses.endpoints) endpoints.add(endpoint);
      for (const server of uses.servers) servers.add(server);
    }
    plane.contexts.keepOnly(scopes, materials);
    healths.keepOnly(endpoints);
    healths.servers.keepOnly(servers);
    plane.http.pools.keepOnly(this.#poolScopes(), endpoints);
  }

  #poolScopes(): ReadonlySet<string> {
    const scopes = new Set<string>();
    for (const rules of this.#listeners.rulesInUse()) {
      if ("poolScope" in rules && typeof rules.poolScope === "string") scopes.add(rules.poolScope);
    }
    return scopes;
  }

  *#specsInUse(): Iterable<SnapshotListener> {
    for (const { spec } of this.#listeners.rulesInUse()) yield spec;
    for (const { spec } of this.#prepared?.listeners.values() ?? []) yield spec;
    yield* this.#preparing?.listeners ?? [];
  }

  #certificateMaterials(): Set<MaterialId> {
    const materials = new Set<MaterialId>();
    for (const runtime of [this.#current, this.#prepared]) {
      for (const { material } of runtime?.certificates.values() ?? []) materials.add(material);
    }
    for (const { material } of this.#preparing?.certificates ?? []) materials.add(material);
    for (const rules of this.#listeners.departedRules()) {
      for (const material of dataplaneModeOf(rules.spec).materialsOf(rules))
        materials.add(material);
    }
    return materials;
  }

  /** Returns the names of the listeners in force, prepared or being prepared. */
  listenerNames(): ReadonlySet<ListenerName> {
    const names = new Set(this.#current.listeners.keys());
    for (const name of this.#prepared?.listeners.keys() ?? []) names.add(name);
    for (const { name } of this.#preparing?.listeners ?? []) names.add(name);
    return names;
  }

  /**
   * Handles the end of the control process. Discards the prepared runtime, because no commit can arrive. Returns false
   * if the worker serves no snapshot and can exit.
   */
  orphan(): boolean {
    this.#isOrphan = true;
    this.#prepared = undefined;
    this.#parts.sockets.rollBack();
    return this.#current !== EMPTY_RUNTIME;
  }

  /**
   * Stops accepting, waits until all connections have ended or the deadline has passed, and closes the rest. If it is
   * called twice, the earlier deadline applies.
   */
  async drain(deadlineMs: number): Promise<void> {
    const timer = setTimeout(() => {
      this.#cut += this.#parts.plane.connections.cutAll();
    }, deadlineMs);
    this.#drained ??= this.#letConnectionsEnd();
    await this.#drained;
    clearTimeout(timer);
  }

  async #letConnectionsEnd(): Promise<void> {
    const { plane, sockets, send } = this.#parts;
    this.#isDraining = true;
    plane.http.isDraining = true;
    plane.http.h2.drain();
    sockets.closeAll();
    send({ type: "draining" });
    await plane.connections.untilEmpty();
    send({ type: "drained", cut: this.#cut });
  }
}

/** Returns the addresses at which sockets are to be opened, if they are not open yet. */
function addressesOf(
  runtime: Runtime,
  { opensOnly, absentIps }: Pick<Prepare, "opensOnly" | "absentIps">,
  isDraining: boolean,
): readonly Address[] {
  if (isDraining) return [];
  const only = opensOnly && new Set(opensOnly);
  const absent = new Set(absentIps);
  return [...runtime.listeners.values()]
    .filter(({ spec }) => only === undefined || only.has(spec.name))
    .filter(({ spec }) => !absent.has(spec.virtualIp))
    .map(({ spec }) => ({ address: spec.virtualIp, port: spec.port }));
}

function refusalOf(
  cause: unknown,
  stage: string,
): { readonly code: FailureCode; readonly detail: string } {
  const { message } = cause instanceof Error ? cause : new Error(String(cause));
  if (cause instanceof DirectorError) return { code: cause.code, detail: cause.detail ?? message };
  return { code: "listener-unusable", detail: `${stage}: ${message}` };
}
