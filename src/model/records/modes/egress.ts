import { CONNECTION_METRICS, ENDPOINT_METRICS } from "../metric-catalog.ts";
import type { ModeRecords } from "../mode-records.ts";
import {
  certificateNamesOfEndpoints,
  trustIdsOfEndpoints,
  type SnapshotEndpoints,
  type SnapshotListenerBase,
} from "../snapshot.ts";

export interface SnapshotEgressListener extends SnapshotListenerBase<"egress">, SnapshotEndpoints {}

export const egressRecords = {
  metrics: [...CONNECTION_METRICS, ...ENDPOINT_METRICS],
  certificateNamesOf: (listener) => certificateNamesOfEndpoints(listener),
  endpointsOf: ({ endpoints, standby }) => [...endpoints, ...standby],
  trustIdsOf: (listener) => trustIdsOfEndpoints(listener),
  sessionScopeOf: ({ sessionScope }) => sessionScope,
} as const satisfies ModeRecords<SnapshotEgressListener>;
