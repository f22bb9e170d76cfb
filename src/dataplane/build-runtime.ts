import { parseCidr, type Cidr } from "#model/cidr.ts";
import type { ListenerName, VnicName } from "#model/names.ts";
import { endpointKeyOf, type SnapshotListener } from "#model/snapshot.ts";
import type { Prepare } from "#protocol/messages.ts";
import type { EndpointHealths } from "./endpoint/endpoint-health.ts";
import { EndpointSet } from "./endpoint/endpoint-set.ts";
import { VnicUsage } from "./live/vnic-usage.ts";
import type { Counters, ListenerCounters } from "./observe/counters.ts";
import { CertificateIndex } from "./tls/certificate-index.ts";

/** The rules of one listener, immutable, and its places in the live state. A connection keeps the one it began with. */
export interface RuntimeListener {
  readonly spec: SnapshotListener;
  readonly certificates: CertificateIndex;
  readonly endpoints: EndpointSet;
  readonly trustedProxies: readonly Cidr[];
  readonly allowFrom: readonly Cidr[];
  /** RFC 7301 wire format. */
  readonly alpn: Buffer | undefined;
  readonly usage: VnicUsage;
  readonly counters: ListenerCounters;
}

/** What a worker serves by. One change swaps the reference to it. */
export interface Runtime {
  readonly number: number;
  readonly listeners: ReadonlyMap<ListenerName, RuntimeListener>;
  readonly maxConnections: number;
  readonly relayMemoryBytes: number;
  readonly vnics: Prepare["vnics"];
}

export const EMPTY_RUNTIME: Runtime = {
  number: 0,
  listeners: new Map(),
  maxConnections: 0,
  relayMemoryBytes: 0,
  vnics: [],
};

/** What outlives snapshots, by name. */
export interface LiveState {
  readonly usages: Map<VnicName, VnicUsage>;
  readonly counters: Counters;
  readonly healths: EndpointHealths;
}

const alpnOf = (protocols: readonly string[]): Buffer | undefined =>
  protocols.length === 0
    ? undefined
    : Buffer.concat(
        protocols.map((name) =>
          Buffer.from(`${String.fromCharCode(name.length)}${name}`, "latin1"),
        ),
      );

function buildListener(
  spec: SnapshotListener,
  vnics: Prepare["vnics"],
  live: LiveState,
): RuntimeListener {
  let usage = live.usages.get(spec.vnic);
  if (usage === undefined) {
    const limits = vnics.find(({ name }) => name === spec.vnic);
    if (limits === undefined)
      throw new TypeError(`The vNIC ${spec.vnic} of a listener is not in the snapshot.`);
    usage = new VnicUsage(limits);
    live.usages.set(spec.vnic, usage);
  }
  return {
    spec,
    certificates: new CertificateIndex(spec.certificates, spec.policy, spec.strictServerName),
    endpoints: new EndpointSet(spec.endpoints, spec.standby, spec.balance, live.healths),
    trustedProxies: spec.acceptProxyProtocol.map(parseCidr),
    allowFrom: spec.allowFrom.map(parseCidr),
    alpn: alpnOf(spec.policy.alpn),
    usage,
    counters: live.counters.of(spec.name),
  };
}

/** The base with the difference applied; listeners that are not in it stay the same objects. */
export function buildRuntime(base: Runtime, change: Prepare, live: LiveState): Runtime {
  const listeners = new Map(change.base === 0 ? [] : base.listeners);
  for (const name of change.removed) listeners.delete(name);
  for (const spec of change.listeners)
    listeners.set(spec.name, buildListener(spec, change.vnics, live));
  return {
    number: change.number,
    listeners,
    maxConnections: change.maxConnections,
    relayMemoryBytes: change.relayMemoryBytes,
    vnics: change.vnics,
  };
}

/** After a commit: limits come into force, and what nobody refers to any more is forgotten. */
export function settleLiveState(live: LiveState, runtime: Runtime): void {
  for (const limits of runtime.vnics) live.usages.get(limits.name)?.setLimits(limits);
  const vnicNames = new Set(runtime.vnics.map(({ name }) => name));
  for (const [name, { openConnections }] of live.usages) {
    // A vNIC that comes back finds the connections that it still has counted.
    if (!vnicNames.has(name) && openConnections === 0) live.usages.delete(name);
  }
  const endpointKeys = new Set<string>();
  for (const { spec } of runtime.listeners.values()) {
    for (const endpoint of [...spec.endpoints, ...spec.standby])
      endpointKeys.add(endpointKeyOf(endpoint));
  }
  live.healths.keepOnly(endpointKeys);
}
