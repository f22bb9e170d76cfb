import { CONNECTION_METRICS } from "../metric-catalog.ts";
import type { ModeRecords } from "../mode-records.ts";
import type { SnapshotListenerBase, SnapshotProxied } from "../snapshot.ts";

export interface SnapshotRedirectListener
  extends SnapshotListenerBase<"redirect">, SnapshotProxied {
  /** The port in the Location header. */
  readonly httpsPort: number;
}

export const redirectRecords = {
  metrics: CONNECTION_METRICS,
  certificateNamesOf: () => [],
  routesOf: () => undefined,
  sharedIdsOf: () => [],
  sessionScopesOf: () => [],
} as const satisfies ModeRecords<SnapshotRedirectListener>;
