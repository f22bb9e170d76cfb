import { CONNECTION_METRICS, ENDPOINT_METRICS } from "../metric-catalog.ts";
import type { ModeRecords } from "../mode-records.ts";
import {
  certificateNamesOfEndpoints,
  routesOfEndpoints,
  trustIdsOfEndpoints,
  type SnapshotEndpoints,
  type SnapshotListenerBase,
} from "../snapshot.ts";

export interface SnapshotEgressListener extends SnapshotListenerBase<"egress">, SnapshotEndpoints {}

export const egressRecords = {
  metrics: [...CONNECTION_METRICS, ...ENDPOINT_METRICS],
  certificateNamesOf: (listener) => certificateNamesOfEndpoints(listener),
  routesOf: (listener) => routesOfEndpoints(listener),
  sharedIdsOf: (listener) => trustIdsOfEndpoints(listener),
  sessionScopesOf: ({ sessionScope }) => [sessionScope],
} as const satisfies ModeRecords<SnapshotEgressListener>;
