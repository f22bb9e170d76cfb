import type { ListenerName, VnicName } from "#model/names.ts";
import type { SnapshotVnic } from "#model/records/snapshot.ts";
import type { ConnectionMetricName, ListenerMetricName } from "#model/records/metric-catalog.ts";
import type { Runtime } from "./build-runtime.ts";
import { dataplaneModeOf, type DataplaneMode } from "./dataplane-mode.ts";
import type { ListenerRules } from "./listener-rules.ts";
import type { Counters, ListenerCounters } from "./observe/counters.ts";
import { VnicUsage } from "./live/vnic-usage.ts";

/**
 * A listener across snapshots. A connection refers to it and reads `rules` anew at each stage, so that a connection
 * which waits through a change is served by the newest version.
 */
export class LiveListener<
  Rules extends ListenerRules = ListenerRules,
  Metric extends ListenerMetricName = never,
> {
  /** Stays the same, because a port whose mode changes gets another listener. */
  readonly mode: DataplaneMode<Rules, Metric>;
  readonly usage: VnicUsage;
  readonly counters: ListenerCounters<ConnectionMetricName | Metric>;
  /** The newest version. After the listener has left the document, the last one that it had. */
  rules: Rules;
  /** Connections that may still need a certificate, a CA set or an endpoint of `rules`. */
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

  /** One of the pending connections is relayed from now on, or has ended. */
  settleOne(): void {
    this.pendingConnections -= 1;
    if (this.pendingConnections === 0) this.#onSettled(this);
  }
}

/** The listeners of a worker and the usage of its vNICs, by name. They outlive snapshots. */
export class LiveListeners {
  readonly #counters: Counters;
  /** Called when the last pending connection of a listener that has left the document is settled. */
  readonly #onForgotten: () => void;
  readonly #current = new Map<ListenerName, LiveListener>();
  /** Listeners that have left the document, and still have pending connections. */
  readonly #departed = new Set<LiveListener>();
  readonly #usages = new Map<VnicName, VnicUsage>();

  constructor(counters: Counters, onForgotten: () => void) {
    this.#counters = counters;
    this.#onForgotten = onForgotten;
  }

  /** Puts the listeners and limits of the runtime in force. */
  commit(runtime: Runtime): void {
    const limits = new Map(runtime.vnics.map((vnic) => [vnic.name, vnic]));
    for (const vnic of runtime.vnics) this.#usages.get(vnic.name)?.setLimits(vnic);
    for (const [name, live] of this.#current) {
      if (!isSuccessor(live.rules, runtime.listeners.get(name))) this.#depart(name, live);
    }
    for (const [name, rules] of runtime.listeners) {
      const live = this.#current.get(name) ?? this.#tryReturned(rules);
      if (live !== undefined) live.rules = rules;
      this.#current.set(name, live ?? this.#build(rules, limits));
    }
    // A vNIC that comes back finds the connections that it still has counted.
    for (const [name, { openConnections }] of this.#usages) {
      if (!limits.has(name) && openConnections === 0) this.#usages.delete(name);
    }
  }

  current(): Iterable<LiveListener> {
    return this.#current.values();
  }

  /** The rules that a connection of this worker may still ask for: those in force, and the last ones of departed listeners. */
  *rulesInUse(): Iterable<ListenerRules> {
    for (const { rules } of this.#current.values()) yield rules;
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

  /** The departed listener that has come back, so that its pending connections get the new version. */
  #tryReturned(rules: ListenerRules): LiveListener | undefined {
    for (const live of this.#departed) {
      if (live.rules.spec.name !== rules.spec.name || !isSuccessor(live.rules, rules)) continue;
      this.#departed.delete(live);
      return live;
    }
    return undefined;
  }

  #depart(name: ListenerName, live: LiveListener): void {
    this.#current.delete(name);
    if (live.pendingConnections > 0) this.#departed.add(live);
  }

  #settled(live: LiveListener): void {
    if (this.#departed.delete(live)) this.#onForgotten();
  }
}

/** A port whose mode changes gets another listener: what its clients send means something else there. */
const isSuccessor = (before: ListenerRules, after: ListenerRules | undefined): boolean =>
  after !== undefined && after.spec.mode === before.spec.mode;
