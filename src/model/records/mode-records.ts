/** Access to the listeners of a snapshot that does not depend on their modes. */
import type { ListenerMode } from "../listener-mode.ts";
import type { CertificateName, MaterialId } from "../names.ts";
import type { ListenerMetric } from "./metric-catalog.ts";
import { egressRecords } from "./modes/egress.ts";
import { httpRecords } from "./modes/http.ts";
import { redirectRecords } from "./modes/redirect.ts";
import { tcpRecords } from "./modes/tcp.ts";
import type { SnapshotEndpoint, SnapshotListener, SnapshotListenerOf } from "./snapshot.ts";

export interface ModeRecords<OfMode extends SnapshotListener> {
  /** The metrics that a listener of the mode carries. A worker that counts another metric is killed. */
  readonly metrics: readonly ListenerMetric[];
  /** Returns the names of the certificates that are presented to clients or to endpoints. */
  certificateNamesOf(listener: OfMode): readonly CertificateName[];
  /** Returns the endpoints, including standby. Returns undefined if a listener of the mode never has endpoints. */
  endpointsOf(listener: OfMode): readonly SnapshotEndpoint[] | undefined;
  /** Returns the ids of the CA sets that clients or endpoints are verified with. */
  trustIdsOf(listener: OfMode): readonly MaterialId[];
  /** Returns undefined if a listener of the mode does not use TLS. */
  sessionScopeOf(listener: OfMode): string | undefined;
}

const MODE_RECORDS = {
  tcp: tcpRecords,
  http: httpRecords,
  redirect: redirectRecords,
  egress: egressRecords,
} as const satisfies { readonly [Mode in ListenerMode]: ModeRecords<SnapshotListenerOf<Mode>> };

const recordsOf = (mode: ListenerMode): ModeRecords<SnapshotListener> => MODE_RECORDS[mode];

/** The names of the metrics that listeners of the mode carry. */
export type MetricOf<Mode extends ListenerMode> =
  (typeof MODE_RECORDS)[Mode]["metrics"][number]["name"];
export const metricsOf = (mode: ListenerMode): readonly ListenerMetric[] => recordsOf(mode).metrics;

export const certificateNamesOf = (listener: SnapshotListener): readonly CertificateName[] =>
  recordsOf(listener.mode).certificateNamesOf(listener);

/** Returns the endpoints, including standby, or undefined if the mode does not use endpoints. */
export const endpointsOf = (listener: SnapshotListener): readonly SnapshotEndpoint[] | undefined =>
  recordsOf(listener.mode).endpointsOf(listener);

/** Returns the id of each CA set that the listeners refer to. */
export function trustIdsOf(listeners: Iterable<SnapshotListener>): Set<MaterialId> {
  const ids = new Set<MaterialId>();
  for (const listener of listeners) {
    for (const id of recordsOf(listener.mode).trustIdsOf(listener)) ids.add(id);
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
