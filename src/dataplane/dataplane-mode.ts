/** How a worker serves listeners of each mode. */
import type { ListenerMode } from "#model/listener-mode.ts";
import type { ConnectionMetricName, ListenerMetricName } from "#model/records/metric-catalog.ts";
import type { MetricOf } from "#model/records/mode-records.ts";
import type { RefusalCause } from "#model/records/outcome.ts";
import type { CertificateName, MaterialId } from "#model/names.ts";
import type { SnapshotListener, SnapshotListenerOf } from "#model/records/snapshot.ts";
import type { ConnectionState } from "./connection/connection-state.ts";
import type { ListenerRules, RuleParts } from "./listener-rules.ts";
import { egress } from "./modes/egress.ts";
import { http } from "./modes/http.ts";
import { redirect } from "./modes/redirect.ts";
import { tcp } from "./modes/tcp.ts";
import type { Steps } from "./live/in-slices.ts";
import type { ListenerCounters } from "./observe/counters.ts";
import type { ContextStore } from "./tls/context-store.ts";

export interface DataplaneMode<
  Rules extends ListenerRules = ListenerRules,
  Metric extends ListenerMetricName = never,
> {
  buildRules(spec: Rules["spec"], parts: RuleParts): Steps<Rules>;
  /** Returns the rules with other versions of these certificates. */
  rebind(rules: Rules, names: ReadonlySet<CertificateName>, parts: RuleParts): Steps<Rules>;
  /** Returns the ids of the certificates that the rules can present. */
  materialsOf(rules: Rules): Iterable<MaterialId>;
  /**
   * Builds TLS contexts one at a time, so that settings which the engine does not accept make the worker refuse the change.
   * Contexts that are not built here are built on first use. `names` are the certificates that have changed, or undefined if
   * all have.
   */
  buildContexts(
    rules: Rules,
    contexts: ContextStore,
    names?: ReadonlySet<CertificateName>,
  ): Steps<void>;
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

const DATAPLANE_MODES = { tcp, http, redirect, egress } satisfies {
  readonly [Mode in ListenerMode]: DataplaneMode<
    ListenerRules<SnapshotListenerOf<Mode>>,
    MetricOf<Mode>
  >;
};

export const dataplaneModeOf = ({ mode }: Pick<SnapshotListener, "mode">): DataplaneMode =>
  DATAPLANE_MODES[mode];
