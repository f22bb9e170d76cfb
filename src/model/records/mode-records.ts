/** Access to the listeners of a snapshot that does not depend on their modes. */
import type { ListenerMode } from "../listener-mode.ts";
import type { CertificateName, MaterialId } from "../names.ts";
import type { ListenerMetric } from "./metric-catalog.ts";
import { egressRecords } from "./modes/egress.ts";
import { httpRecords } from "./modes/http.ts";
import { redirectRecords } from "./modes/redirect.ts";
import { tcpRecords } from "./modes/tcp.ts";
import type {
  SnapshotEndpoint,
  SnapshotListener,
  SnapshotListenerOf,
  SnapshotNameRoute,
} from "./snapshot.ts";

export interface ModeRecords<OfMode extends SnapshotListener> {
  /** The metrics that a listener of the mode carries. A worker that counts another metric is killed. */
  readonly metrics: readonly ListenerMetric[];
  /** Returns the names of the certificates that are presented to clients or to endpoints. */
  certificateNamesOf(listener: OfMode): readonly CertificateName[];
  /** Returns the routes, the first of which is for all clients without another. Returns undefined if a listener of the mode never has endpoints. */
  routesOf(listener: OfMode): readonly SnapshotNameRoute[] | undefined;
  /** Returns the ids of the CA sets that clients or endpoints are verified with, and of the entries by server name. */
  sharedIdsOf(listener: OfMode): readonly MaterialId[];
  sessionScopesOf(listener: OfMode): readonly string[];
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

/** Returns the routes of a listener, or undefined if the mode does not use endpoints. */
export const routesOf = (listener: SnapshotListener): readonly SnapshotNameRoute[] | undefined =>
  recordsOf(listener.mode).routesOf(listener);

/** Returns the endpoints of all routes, including standby, or undefined if the mode does not use endpoints. */
export const endpointsOf = (listener: SnapshotListener): readonly SnapshotEndpoint[] | undefined =>
  routesOf(listener)?.flatMap(({ endpoints, standby }) => [...endpoints, ...standby]);

/** Returns the id of each CA set and of each shard of names that the listeners refer to. */
export function sharedIdsOf(listeners: Iterable<SnapshotListener>): Set<MaterialId> {
  const ids = new Set<MaterialId>();
  for (const listener of listeners) {
    for (const id of recordsOf(listener.mode).sharedIdsOf(listener)) ids.add(id);
  }
  return ids;
}

/** Returns the session scopes of the policies of the listeners. */
export function sessionScopesOf(listeners: Iterable<SnapshotListener>): Set<string> {
  const scopes = new Set<string>();
  for (const listener of listeners) {
    for (const scope of recordsOf(listener.mode).sessionScopesOf(listener)) scopes.add(scope);
  }
  return scopes;
}
