import { isFailing } from "#control/health/server-states.ts";
import { SERVER_METRICS } from "#model/records/metric-catalog.ts";
import type { ServerTotal } from "./server-totals.ts";

type ServerMetricName = (typeof SERVER_METRICS)[number]["name"];

const VALUES: Readonly<Record<ServerMetricName, (total: ServerTotal) => number>> = {
  tlsd_server_connections_open: ({ openConnections }) => openConnections,
  tlsd_server_connects_total: ({ connects }) => connects,
  tlsd_server_connects_failed_total: ({ failures }) => failures,
  tlsd_server_failing: (total) => (isFailing(total) ? 1 : 0),
};

/** Returns the metrics by vNIC and server in the Prometheus text format 0.0.4. */
export function serverMetricsText(totals: readonly ServerTotal[]): string {
  const lines = SERVER_METRICS.flatMap(({ name, kind, help }) => [
    `# HELP ${name} ${help}`,
    `# TYPE ${name} ${kind}`,
    ...totals.map(
      (total) =>
        `${name}{vnic=${JSON.stringify(total.vnic)},server=${JSON.stringify(total.server)}} ${VALUES[name](total)}`,
    ),
  ]);
  return `${lines.join("\n")}\n`;
}
