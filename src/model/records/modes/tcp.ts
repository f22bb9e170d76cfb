import { CONNECTION_METRICS, ENDPOINT_METRICS, HANDSHAKE_METRICS } from "../metric-catalog.ts";
import type { ModeRecords } from "../mode-records.ts";
import {
  materialIdsOfClientTls,
  materialIdsOfEndpoints,
  type ProxyProtocol,
  type SnapshotClientTls,
  type SnapshotEndpoints,
  type SnapshotListenerBase,
  type SnapshotProxied,
} from "../snapshot.ts";

export interface SnapshotTcpListener
  extends SnapshotListenerBase<"tcp">, SnapshotProxied, SnapshotClientTls, SnapshotEndpoints {
  /** The version of the PROXY header that is sent to endpoints. */
  readonly proxyProtocol: ProxyProtocol;
}

export const tcpRecords = {
  metrics: [...CONNECTION_METRICS, ...ENDPOINT_METRICS, ...HANDSHAKE_METRICS],
  certificatesOf: ({ certificates }) => certificates,
  endpointsOf: ({ endpoints, standby }) => [...endpoints, ...standby],
  materialIdsOf: (listener) => [
    ...materialIdsOfClientTls(listener),
    ...materialIdsOfEndpoints(listener),
  ],
  sessionScopeOf: ({ sessionScope }) => sessionScope,
} as const satisfies ModeRecords<SnapshotTcpListener>;
