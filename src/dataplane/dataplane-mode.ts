/** How a worker serves listeners of each mode. */
import type { ListenerMode } from "#model/listener-mode.ts";
import type { ConnectionMetricName, ListenerMetricName } from "#model/records/metric-catalog.ts";
import type { MetricOf } from "#model/records/mode-records.ts";
import type { RefusalCause } from "#model/records/outcome.ts";
import type { SnapshotListener, SnapshotListenerOf } from "#model/records/snapshot.ts";
import type { ConnectionState } from "./connection/connection-state.ts";
import type { EndpointHealths } from "./endpoint/endpoint-health.ts";
import type { ListenerRules } from "./listener-rules.ts";
import { egress } from "./modes/egress.ts";
import { redirect } from "./modes/redirect.ts";
import { tcp } from "./modes/tcp.ts";
import type { ListenerCounters } from "./observe/counters.ts";
import type { ContextStore } from "./tls/context-store.ts";

/** Returns false after a prepare has built as many TLS contexts as it may build. */
export type MayBuildContext = () => boolean;

export interface DataplaneMode<
  Rules extends ListenerRules = ListenerRules,
  Metric extends ListenerMetricName = never,
> {
  buildRules(spec: Rules["spec"], healths: EndpointHealths): Rules;
  /**
   * Builds TLS contexts, so that settings which the engine does not accept make the worker refuse the change. Contexts
   * that are not built here are built on first use.
   */
  buildContexts(spec: Rules["spec"], contexts: ContextStore, mayBuild: MayBuildContext): void;
  /**
   * Serves an admitted connection. A stage that resolves with undefined or false has ended the connection, recorded the
   * cause and closed its sockets (finish.ts). Sockets are held between stages, so that no byte is lost.
   */
  serve(connection: ConnectionState<Rules, Metric>): Promise<void>;
  /** Counts a connection that ended before it was served, for a cause that can occur in every mode. */
  countRefusal(
    counters: ListenerCounters<ConnectionMetricName | Metric>,
    cause: RefusalCause,
  ): void;
}

const DATAPLANE_MODES = { tcp, redirect, egress } satisfies {
  readonly [Mode in ListenerMode]: DataplaneMode<
    ListenerRules<SnapshotListenerOf<Mode>>,
    MetricOf<Mode>
  >;
};

export const dataplaneModeOf = ({ mode }: Pick<SnapshotListener, "mode">): DataplaneMode =>
  DATAPLANE_MODES[mode];
