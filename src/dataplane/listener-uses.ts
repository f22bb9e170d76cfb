import {
  serverPairOf,
  socketAddressOf,
  type CertificateName,
  type MaterialId,
  type ServerPair,
} from "#model/names.ts";
import {
  certificateNamesOf,
  endpointsOf,
  sessionScopesOf,
  sharedIdsOf,
} from "#model/records/mode-records.ts";
import { endpointKeyOf, type SnapshotListener } from "#model/records/snapshot.ts";

/** What a worker keeps for a listener. */
export interface ListenerUses {
  readonly socketAddress: string;
  readonly sessionScopes: ReadonlySet<string>;
  readonly certificates: ReadonlySet<CertificateName>;
  /** CA sets, and entries by server name. */
  readonly shared: ReadonlySet<MaterialId>;
  /** Keys of `endpointKeyOf`. */
  readonly endpoints: readonly string[];
  readonly servers: readonly ServerPair[];
}

const known = new WeakMap<SnapshotListener, ListenerUses>();

/** Is computed once for each listener of a snapshot, because each change looks at what all listeners use. */
export function usesOf(spec: SnapshotListener): ListenerUses {
  const uses = known.get(spec) ?? usesAnew(spec);
  known.set(spec, uses);
  return uses;
}

function usesAnew(spec: SnapshotListener): ListenerUses {
  const endpoints = endpointsOf(spec) ?? [];
  return {
    socketAddress: socketAddressOf(spec.virtualIp, spec.port),
    sessionScopes: sessionScopesOf([spec]),
    certificates: new Set(certificateNamesOf(spec)),
    shared: sharedIdsOf([spec]),
    endpoints: endpoints.map(endpointKeyOf),
    servers: endpoints.map(({ server }) => serverPairOf(spec.vnic, server)),
  };
}
