/** The records of modes that terminate the TLS of clients and use endpoints. */
import { CONNECTION_METRICS, ENDPOINT_METRICS, HANDSHAKE_METRICS } from "./metric-catalog.ts";
import type { ModeRecords } from "./mode-records.ts";
import {
  certificateNamesOfEndpoints,
  defined,
  policiesOfClients,
  routesOfEndpoints,
  trustIdsOfEndpoints,
  type ProxyProtocol,
  type SnapshotClientTls,
  type SnapshotEndpoints,
  type SnapshotListenerBase,
  type SnapshotListenerOf,
  type SnapshotNamed,
  type SnapshotProxied,
} from "./snapshot.ts";

export interface SnapshotTerminating<Mode extends "tcp" | "http">
  extends
    SnapshotListenerBase<Mode>,
    SnapshotProxied,
    SnapshotClientTls,
    SnapshotEndpoints,
    SnapshotNamed {
  /** The version of the PROXY header that is sent to endpoints. */
  readonly proxyProtocol: ProxyProtocol;
}
type Terminating = SnapshotListenerOf<"tcp" | "http">;

export const terminatingRecords = {
  metrics: [...CONNECTION_METRICS, ...ENDPOINT_METRICS, ...HANDSHAKE_METRICS],
  certificateNamesOf: (listener: Terminating) => [
    ...listener.certificates,
    ...(listener.names?.certificates ?? []),
    ...certificateNamesOfEndpoints(listener),
  ],
  routesOf: (listener: Terminating) => routesOfEndpoints(listener),
  sharedIdsOf: (listener: Terminating) => [
    ...policiesOfClients(listener).flatMap(({ clientAuth }) => defined([clientAuth.trust])),
    ...trustIdsOfEndpoints(listener),
    ...(listener.names?.shards ?? []),
  ],
  sessionScopesOf: (listener: Terminating) =>
    policiesOfClients(listener).map(({ sessionScope }) => sessionScope),
} as const satisfies ModeRecords<Terminating>;
