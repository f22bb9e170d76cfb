import type { ListenerName, VnicName } from "#model/names.ts";
import type { SnapshotVnic } from "#model/records/snapshot.ts";
import type { ConnectionMetricName, ListenerMetricName } from "#model/records/metric-catalog.ts";
import type { Runtime } from "./build-runtime.ts";
import { dataplaneModeOf, type DataplaneMode } from "./dataplane-mode.ts";
import type { ListenerRules } from "./listener-rules.ts";
import type { Counters, ListenerCounters } from "./observe/counters.ts";
import { VnicUsage } from "./live/vnic-usage.ts";

/**
 * A listener whose rules change with each snapshot. A connection refers to this object and reads `rules` again in each
 * stage, so that a connection which waits during a change is served by the newest rules.
 */
export class LiveListener<
  Rules extends ListenerRules = ListenerRules,
  Metric extends ListenerMetricName = never,
> {
  /** It never changes, because a port whose mode changes gets a new LiveListener. */
  readonly mode: DataplaneMode<Rules, Metric>;
  readonly usage: VnicUsage;
  readonly counters: ListenerCounters<ConnectionMetricName | Metric>;
  /** The newest rules. After the listener was removed from the document, its last rules. */
  rules: Rules;
  /** Whether the document does not have the listener any more. */
  isDeparted = false;
  /** Number of connections that may still need a certificate, a CA set or an endpoint of `rules`. */
  pendingConnections = 0;
  readonly #onSettled: (listener: LiveListener) => void;

  constructor(
    mode: DataplaneMode<Rules, Metric>,
    rules: Rules,
    usage: VnicUsage,
    counters: ListenerCounters<ConnectionMetricName | Metric>,
    onSettled: (listener: LiveListener) => void,
  ) {
    this.mode = mode;
    this.rules = rules;
    this.usage = usage;
    this.counters = counters;
    this.#onSettled = onSettled;
  }

  /** Called when a pending connection starts to relay or ends. */
  settleOne(): void {
    this.pendingConnections -= 1;
    if (this.pendingConnections === 0) this.#onSettled(this);
  }
}

/** The listeners of a worker and the usage of its vNICs, by name. They are kept when the snapshot changes. */
export class LiveListeners {
  readonly #counters: Counters;
  /** Called when the last pending connection of a removed listener is settled. */
  readonly #onForgotten: () => void;
  readonly #current = new Map<ListenerName, LiveListener>();
  /** Listeners that were removed from the document and still have pending connections. */
  readonly #departed = new Set<LiveListener>();
  readonly #usages = new Map<VnicName, VnicUsage>();

  constructor(counters: Counters, onForgotten: () => void) {
    this.#counters = counters;
    this.#onForgotten = onForgotten;
  }

  /** Puts the listeners and limits of the runtime in force. */
  commit(runtime: Runtime): void {
    const { vnics: limits } = runtime;
    for (const [name, vnic] of limits) this.#usages.get(name)?.setLimits(vnic);
    for (const [name, live] of this.#current) {
      if (!isSuccessor(live.rules, runtime.listeners.get(name))) this.#depart(name, live);
    }
    for (const [name, rules] of runtime.listeners) {
      const live = this.#current.get(name) ?? this.#tryReturned(rules);
      if (live !== undefined) live.rules = rules;
      this.#current.set(name, live ?? this.#build(rules, limits));
    }
    // The usage of a removed vNIC is kept while it has open connections, so that they still count if the vNIC is added
    // again.
    for (const [name, { openConnections }] of this.#usages) {
      if (!limits.has(name) && openConnections === 0) this.#usages.delete(name);
    }
  }

  current(): Iterable<LiveListener> {
    return this.#current.values();
  }

  tryCurrent(name: ListenerName): LiveListener | undefined {
    return this.#current.get(name);
  }

  /**
   * Returns the rules that a connection of this worker may still read: those in force, and the last rules of departed
   * listeners.
   */
  *rulesInUse(): Iterable<ListenerRules> {
    for (const { rules } of this.#current.values()) yield rules;
    yield* this.departedRules();
  }

  *departedRules(): Iterable<ListenerRules> {
    for (const { rules } of this.#departed) yield rules;
  }

  #build(rules: ListenerRules, limits: ReadonlyMap<VnicName, SnapshotVnic>): LiveListener {
    const { name, vnic, mode } = rules.spec;
    let usage = this.#usages.get(vnic);
    if (usage === undefined) {
      const limit = limits.get(vnic);
      if (limit === undefined)
        throw new TypeError(`The vNIC ${vnic} of a listener is not in the snapshot.`);
      usage = new VnicUsage(limit);
      this.#usages.set(vnic, usage);
    }
    const counters = this.#counters.of(name, mode);
    return new LiveListener(dataplaneModeOf(rules.spec), rules, usage, counters, (live) =>
      this.#settled(live),
    );
  }

  /** Returns the departed listener if it was added again, so that its pending connections get the new rules. */
  #tryReturned(rules: ListenerRules): LiveListener | undefined {
    for (const live of this.#departed) {
      if (live.rules.spec.name !== rules.spec.name || !isSuccessor(live.rules, rules)) continue;
      this.#departed.delete(live);
      live.isDeparted = false;
      return live;
    }
    return undefined;
  }

  #depart(name: ListenerName, live: LiveListener): void {
    this.#current.delete(name);
    live.isDeparted = true;
    if (live.pendingConnections > 0) this.#departed.add(live);
  }

  #settled(live: LiveListener): void {
    if (this.#departed.delete(live)) this.#onForgotten();
  }
}

/** A port whose mode changes gets a new listener, because the bytes of its clients have another meaning there. */
const isSuccessor = (before: ListenerRules, after: ListenerRules | undefined): boolean =>
  after !== undefined && after.spec.mode === before.spec.mode;
