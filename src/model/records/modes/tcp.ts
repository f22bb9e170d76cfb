import { CONNECTION_METRICS, ENDPOINT_METRICS, HANDSHAKE_METRICS } from "../metric-catalog.ts";
import type { ModeRecords } from "../mode-records.ts";
import {
  certificateNamesOfEndpoints,
  defined,
  trustIdsOfEndpoints,
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
  certificateNamesOf: (listener) => [
    ...listener.certificates,
    ...certificateNamesOfEndpoints(listener),
  ],
  endpointsOf: ({ endpoints, standby }) => [...endpoints, ...standby],
  trustIdsOf: (listener) => [
    ...defined([listener.clientAuth.trust]),
    ...trustIdsOfEndpoints(listener),
  ],
  sessionScopeOf: ({ sessionScope }) => sessionScope,
} as const satisfies ModeRecords<SnapshotTcpListener>;
