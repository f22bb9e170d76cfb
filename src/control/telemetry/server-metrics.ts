import { isFailing } from "#control/health/server-states.ts";
import { SERVER_METRICS } from "#model/records/metric-catalog.ts";
import { labelsText, metricsText } from "./metrics-text.ts";
import type { ServerTotal } from "./server-totals.ts";

type ServerMetric = (typeof SERVER_METRICS)[number];

const VALUES: Readonly<Record<ServerMetric["name"], (total: ServerTotal) => number>> = {
  tlsd_server_connections_open: ({ openConnections }) => openConnections,
  tlsd_server_connects_total: ({ connects }) => connects,
  tlsd_server_connects_failed_total: ({ failures }) => failures,
  tlsd_server_failing: (total) => (isFailing(total) ? 1 : 0),
};

/** Returns the metrics by vNIC and server. */
export function serverMetricsText(totals: readonly ServerTotal[]): Promise<readonly Buffer[]> {
  const series = totals.map((total) => ({
    labels: labelsText({ vnic: total.vnic, server: total.server }),
    valuesOf: ({ name }: ServerMetric) => [VALUES[name](total)],
  }));
  return metricsText(SERVER_METRICS, series);
}
