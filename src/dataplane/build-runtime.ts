import { parseCidr, type Cidr } from "#model/addresses/cidr.ts";
import type { ListenerName } from "#model/names.ts";
import type { SnapshotListener } from "#model/records/snapshot.ts";
import type { Prepare } from "#protocol/messages.ts";
import type { EndpointHealths } from "./endpoint/endpoint-health.ts";
import { EndpointSet } from "./endpoint/endpoint-set.ts";
import { CertificateIndex } from "./tls/certificate-index.ts";

/** The rules of one listener in one snapshot, immutable. */
export interface ListenerRules {
  readonly spec: SnapshotListener;
  readonly certificates: CertificateIndex;
  readonly endpoints: EndpointSet;
  readonly trustedProxies: readonly Cidr[];
  /** Undefined if every client is allowed. */
  readonly allowFrom: readonly Cidr[] | undefined;
  readonly denyFrom: readonly Cidr[];
  /** RFC 7301 wire format. */
  readonly alpn: Buffer | undefined;
}

/** What a worker serves by. One change swaps the reference to it. */
export interface Runtime {
  readonly number: number;
  readonly listeners: ReadonlyMap<ListenerName, ListenerRules>;
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

const alpnOf = (protocols: readonly string[]): Buffer | undefined =>
  protocols.length === 0
    ? undefined
    : Buffer.concat(
        protocols.map((name) =>
          Buffer.from(`${String.fromCharCode(name.length)}${name}`, "latin1"),
        ),
      );

const buildRules = (spec: SnapshotListener, healths: EndpointHealths): ListenerRules => ({
  spec,
  certificates: new CertificateIndex(spec.certificates, spec.policy, spec.strictServerName),
  endpoints: new EndpointSet(spec.endpoints, spec.standby, spec.balance, healths),
  trustedProxies: spec.acceptProxyProtocol.map(parseCidr),
  allowFrom: spec.allowFrom?.map(parseCidr),
  denyFrom: spec.denyFrom.map(parseCidr),
  alpn: alpnOf(spec.policy.alpn),
});

/** Applies the difference to the base. Listeners that are not part of it stay the same objects. Throws TypeError. */
export function buildRuntime(base: Runtime, change: Prepare, healths: EndpointHealths): Runtime {
  const listeners = new Map(change.base === 0 ? [] : base.listeners);
  for (const name of change.removed) listeners.delete(name);
  const vnics = new Set(change.vnics.map(({ name }) => name));
  for (const spec of change.listeners) {
    if (!vnics.has(spec.vnic))
      throw new TypeError(`The vNIC ${spec.vnic} of a listener is not in the snapshot.`);
    listeners.set(spec.name, buildRules(spec, healths));
  }
  return {
    number: change.number,
    listeners,
    maxConnections: change.maxConnections,
    relayMemoryBytes: change.relayMemoryBytes,
    vnics: change.vnics,
  };
}
