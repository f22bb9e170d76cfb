/** Access to the listeners of a snapshot that does not depend on their modes. */
import type { ListenerMode } from "../listener-mode.ts";
import type { MaterialId } from "../names.ts";
import type { ListenerMetric } from "./metric-catalog.ts";
import { egressRecords } from "./modes/egress.ts";
import { redirectRecords } from "./modes/redirect.ts";
import { tcpRecords } from "./modes/tcp.ts";
import type {
  SnapshotCertificate,
  SnapshotEndpoint,
  SnapshotListener,
  SnapshotListenerOf,
} from "./snapshot.ts";

export interface ModeRecords<OfMode extends SnapshotListener> {
  /** The metrics that a listener of the mode carries. A worker that counts another metric is killed. */
  readonly metrics: readonly ListenerMetric[];
  /** Returns the certificates that are presented to clients. */
  certificatesOf(listener: OfMode): readonly SnapshotCertificate[];
  /** Returns the endpoints, including standby. Returns undefined if a listener of the mode never has endpoints. */
  endpointsOf(listener: OfMode): readonly SnapshotEndpoint[] | undefined;
  materialIdsOf(listener: OfMode): readonly MaterialId[];
  /** Returns undefined if a listener of the mode does not use TLS. */
  sessionScopeOf(listener: OfMode): string | undefined;
}

const MODE_RECORDS = {
  tcp: tcpRecords,
  redirect: redirectRecords,
  egress: egressRecords,
} as const satisfies { readonly [Mode in ListenerMode]: ModeRecords<SnapshotListenerOf<Mode>> };

const recordsOf = (mode: ListenerMode): ModeRecords<SnapshotListener> => MODE_RECORDS[mode];

/** The names of the metrics that listeners of the mode carry. */
export type MetricOf<Mode extends ListenerMode> =
  (typeof MODE_RECORDS)[Mode]["metrics"][number]["name"];
export const metricsOf = (mode: ListenerMode): readonly ListenerMetric[] => recordsOf(mode).metrics;

export const certificatesOf = (listener: SnapshotListener): readonly SnapshotCertificate[] =>
  recordsOf(listener.mode).certificatesOf(listener);

/** Returns the endpoints, including standby, or undefined if the mode does not use endpoints. */
export const endpointsOf = (listener: SnapshotListener): readonly SnapshotEndpoint[] | undefined =>
  recordsOf(listener.mode).endpointsOf(listener);

/** Returns the id of each material that the listeners refer to. */
export function materialIdsOf(listeners: Iterable<SnapshotListener>): Set<MaterialId> {
  const ids = new Set<MaterialId>();
  for (const listener of listeners) {
    for (const id of recordsOf(listener.mode).materialIdsOf(listener)) ids.add(id);
  }
  return ids;
}

/** Returns the session scopes of the listeners. */
export function sessionScopesOf(listeners: Iterable<SnapshotListener>): Set<string> {
  const scopes = new Set<string>();
  for (const listener of listeners) {
    const scope = recordsOf(listener.mode).sessionScopeOf(listener);
    if (scope !== undefined) scopes.add(scope);
  }
  return scopes;
}
