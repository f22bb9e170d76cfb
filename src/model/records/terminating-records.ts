/** The records of modes that terminate the TLS of clients and use endpoints. */
import { CONNECTION_METRICS, ENDPOINT_METRICS, HANDSHAKE_METRICS } from "./metric-catalog.ts";
import type { ModeRecords } from "./mode-records.ts";
import {
  certificateNamesOfEndpoints,
  defined,
  trustIdsOfEndpoints,
  type ProxyProtocol,
  type SnapshotClientTls,
  type SnapshotEndpoints,
  type SnapshotListenerBase,
  type SnapshotListenerOf,
  type SnapshotProxied,
} from "./snapshot.ts";

export interface SnapshotTerminating<Mode extends "tcp" | "http">
  extends SnapshotListenerBase<Mode>, SnapshotProxied, SnapshotClientTls, SnapshotEndpoints {
  /** The version of the PROXY header that is sent to endpoints. */
  readonly proxyProtocol: ProxyProtocol;
}
type Terminating = SnapshotListenerOf<"tcp" | "http">;

export const terminatingRecords = {
  metrics: [...CONNECTION_METRICS, ...ENDPOINT_METRICS, ...HANDSHAKE_METRICS],
  certificateNamesOf: (listener: Terminating) => [
    ...listener.certificates,
    ...certificateNamesOfEndpoints(listener),
  ],
  endpointsOf: ({ endpoints, standby }: Terminating) => [...endpoints, ...standby],
  trustIdsOf: (listener: Terminating) => [
    ...defined([listener.clientAuth.trust]),
    ...trustIdsOfEndpoints(listener),
  ],
  sessionScopeOf: ({ sessionScope }: Terminating) => sessionScope,
} as const satisfies ModeRecords<Terminating>;
