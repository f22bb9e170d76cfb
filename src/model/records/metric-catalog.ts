/** Every metric of the director. The reference page is generated from this list. */
import { HTTP_METRICS } from "./http-metrics.ts";
import { DURATION_BUCKETS, type Metric } from "./metric.ts";
import {
  CERTIFICATE_FAILURE_NAMES,
  CONNECTION_OUTCOME_NAMES,
  ENDPOINT_FAILURE_NAMES,
  HANDSHAKE_FAILURE_NAMES,
  OVER_LIMITS,
  REFUSAL_CAUSES,
  type CertificateFailure,
} from "./outcome.ts";

const LIFETIME_BUCKETS = [0.01, 0.1, 1, 10, 60, 300, 1800, 7200] as const;

/** Counted for each listener of every mode. */
export const CONNECTION_METRICS = [
  { name: "tlsd_connections_accepted_total", kind: "counter", help: "Connections accepted." },
  { name: "tlsd_connections_open", kind: "gauge", help: "Connections open now." },
  {
    name: "tlsd_connections_ended_total",
    kind: "counter",
    help: "Connections that were served, by how they ended.",
    label: "outcome",
    values: CONNECTION_OUTCOME_NAMES,
  },
  {
    name: "tlsd_connections_limited_total",
    kind: "counter",
    help: "Connections closed by a limit.",
    label: "limit",
    values: OVER_LIMITS,
  },
  {
    name: "tlsd_connections_refused_total",
    kind: "counter",
    help:
      "Connections that ended before they were served and do not count as failed handshakes, by cause. With modes `tcp` and `http`, only those of clients " +
      "that `allowFrom` or `denyFrom` does not allow. With `egress` and `redirect`, which have no handshake, all that ended before they were served.",
    label: "cause",
    values: REFUSAL_CAUSES,
  },
  {
    name: "tlsd_proxy_probes_total",
    kind: "counter",
    help: "Health checks by a proxy: connections whose PROXY header announces no client, without any data after it.",
  },
  {
    name: "tlsd_bytes_from_clients_total",
    kind: "counter",
    help: "Plaintext bytes from clients, also of open connections.",
  },
  {
    name: "tlsd_bytes_to_clients_total",
    kind: "counter",
    help: "Plaintext bytes to clients, also of open connections.",
  },
  {
    name: "tlsd_connection_seconds",
    kind: "histogram",
    help: "Time from accept to the end of the connection.",
    buckets: LIFETIME_BUCKETS,
  },
] as const satisfies readonly Metric[];

/** Counted for each listener that uses endpoints. */
export const ENDPOINT_METRICS = [
  {
    name: "tlsd_endpoint_connects_total",
    kind: "counter",
    help: "Connections established to endpoints.",
  },
  {
    name: "tlsd_endpoint_connects_failed_total",
    kind: "counter",
    help: "Attempts to connect to an endpoint that failed, by cause.",
    label: "cause",
    values: ENDPOINT_FAILURE_NAMES,
  },
  {
    name: "tlsd_endpoint_connect_seconds",
    kind: "histogram",
    help: "Time from the choice of an endpoint until it is connected.",
    buckets: DURATION_BUCKETS,
  },
  {
    name: "tlsd_first_byte_seconds",
    kind: "histogram",
    help: "Time from the connect to an endpoint until its first byte arrives.",
    buckets: DURATION_BUCKETS,
  },
] as const satisfies readonly Metric[];

/** Counted for each listener that terminates the TLS of clients. */
export const HANDSHAKE_METRICS = [
  {
    name: "tlsd_handshakes_total",
    kind: "counter",
    help: "Completed TLS handshakes with clients.",
    label: "session",
    values: ["new", "resumed"],
  },
  {
    name: "tlsd_handshakes_failed_total",
    kind: "counter",
    help: "TLS handshakes with clients that failed, by cause, including connections that ended before their handshake.",
    label: "cause",
    values: HANDSHAKE_FAILURE_NAMES.filter((name) => name !== "not-allowed"),
  },
  {
    name: "tlsd_handshake_seconds",
    kind: "histogram",
    help: "Time from accept to the end of the handshake.",
    buckets: DURATION_BUCKETS,
  },
] as const satisfies readonly Metric[];

/**
 * Metrics that workers count for each listener, with the labels `vnic` and `listener`. No label contains the client.
 * Each mode declares which of these metrics its listeners carry. Metrics that fewer modes carry are later in the list,
 * because the array of a listener ends with the last metric that its mode carries.
 */
export const LISTENER_METRICS = [
  ...CONNECTION_METRICS,
  ...ENDPOINT_METRICS,
  ...HANDSHAKE_METRICS,
  ...HTTP_METRICS,
] as const;

export type ListenerMetric = (typeof LISTENER_METRICS)[number];
export type ListenerMetricName = ListenerMetric["name"];
export type ConnectionMetricName = (typeof CONNECTION_METRICS)[number]["name"];
export type EndpointMetricName = (typeof ENDPOINT_METRICS)[number]["name"];
export type HandshakeMetricName = (typeof HANDSHAKE_METRICS)[number]["name"];

/**
 * Counted for each vNIC and each server that its endpoints are on, with the labels `vnic` and `server`. The names of both are
 * in the document, which bounds their number.
 */
export const SERVER_METRICS = [
  {
    name: "tlsd_server_connections_open",
    kind: "gauge",
    help: "Connections to endpoints of the server that are open now.",
  },
  {
    name: "tlsd_server_connects_total",
    kind: "counter",
    help: "Connections established to endpoints of the server.",
  },
  {
    name: "tlsd_server_connects_failed_total",
    kind: "counter",
    help: "Attempts to connect to an endpoint of the server that failed because of the endpoint.",
  },
  {
    name: "tlsd_server_failing",
    kind: "gauge",
    help: "1 while the last three attempts of the vNIC to connect to the server have failed.",
  },
] as const satisfies readonly Metric[];

/**
 * Counted for each certificate with traffic since the start, with the label `certificate`. Certificates beyond the first 999 are counted
 * together as `other`, so the label has at most 1,000 values.
 */
export const CERTIFICATE_METRICS = [
  {
    name: "tlsd_certificate_handshakes_total",
    kind: "counter",
    help: "Completed TLS handshakes with the certificate.",
    label: "session",
    values: ["new", "resumed"],
  },
  {
    name: "tlsd_certificate_failures_total",
    kind: "counter",
    help: "Clients that broke off in a way that names the certificate, by cause.",
    label: "cause",
    values: CERTIFICATE_FAILURE_NAMES,
  },
  {
    name: "tlsd_certificate_last_use_seconds",
    kind: "gauge",
    help: "When a handshake with the certificate last completed or failed, seconds since the epoch.",
  },
] as const satisfies readonly Metric[];

/** The position of each counter of a certificate in the array that a worker reports. */
export const CERTIFICATE_SLOTS = {
  newSession: 0,
  resumedSession: 1,
  failure: Object.fromEntries(
    CERTIFICATE_FAILURE_NAMES.map((failure, at) => [failure, 2 + at]),
  ) as Readonly<Record<CertificateFailure, number>>,
  size: 2 + CERTIFICATE_FAILURE_NAMES.length,
} as const;

/** Metrics of the control process. `help` names their labels. */
export const DIRECTOR_METRICS = [
  { name: "tlsd_info", kind: "gauge", help: "Always 1; labels `version` and `engine`." },
  { name: "tlsd_document_revision", kind: "gauge", help: "Revision of the document in force." },
  {
    name: "tlsd_changes_total",
    kind: "counter",
    help: "Changes of the document or its certificates.",
    label: "outcome",
    values: ["applied", "refused", "unchanged"],
  },
  {
    name: "tlsd_change_seconds",
    kind: "histogram",
    help: "Time from the start of a change until the last worker serves it.",
    buckets: DURATION_BUCKETS,
  },
  {
    name: "tlsd_workers",
    kind: "gauge",
    help: "Workers by state.",
    label: "state",
    values: ["starting", "serving", "draining"],
  },
  {
    name: "tlsd_worker_restarts_total",
    kind: "counter",
    help: "Workers that were replaced, by cause.",
    label: "cause",
    values: [
      "exited",
      "hung",
      "prepare-deadline",
      "commit-deadline",
      "start-deadline",
      "misbehaved",
      "refused",
      "unproven",
    ],
  },
  {
    name: "tlsd_state_writable",
    kind: "gauge",
    help: "1 while the state can be saved. While it is 0, changes of the document are refused.",
  },
  {
    name: "tlsd_internal_errors_total",
    kind: "counter",
    help: "Unexpected errors in the control process; each is in the log.",
  },
  { name: "tlsd_worker_memory_bytes", kind: "gauge", help: "Resident memory; label `worker`." },
  {
    name: "tlsd_worker_loop_delay_seconds",
    kind: "gauge",
    help: "How late the last heartbeat was; label `worker`.",
  },
  {
    name: "tlsd_events_dropped_total",
    kind: "counter",
    help: "Handshake records and access lines that were dropped because too many were waiting.",
  },
  {
    name: "tlsd_log_lines_dropped_total",
    kind: "counter",
    help: "Lines that the log has lost, because it could not be written or was not read fast enough.",
  },
  {
    name: "tlsd_certificate_not_after_seconds",
    kind: "gauge",
    help: "When the served version expires, seconds since the epoch; label `certificate`.",
  },
  {
    name: "tlsd_certificate_source_ok",
    kind: "gauge",
    help: "1 while the files of the certificate are served and valid. 0 while an older version is served, while no version can be served, and outside the validity period; label `certificate`.",
  },
  {
    name: "tlsd_health_doubted",
    kind: "gauge",
    help: "1 while so many health checks fail at once that the director doubts itself and keeps the endpoints up.",
  },
  {
    name: "tlsd_vnic_address_missing",
    kind: "gauge",
    help: "1 while no listener of the vNIC can be opened on its virtual IP, for example because this machine does not have it. Other vNICs have no series; label `vnic`.",
  },
  {
    name: "tlsd_server_state",
    kind: "gauge",
    help: "1 for the state in which the server is; labels `server` and `state`: up, degraded, failing, down or unknown.",
  },
  {
    name: "tlsd_profile_on_standby",
    kind: "gauge",
    help: "1 while standby servers serve the profile, 0 while its servers do; label `profile`. Only profiles with standby servers have it.",
  },
  {
    name: "tlsd_profile_flapping",
    kind: "gauge",
    help: "1 while the servers of the profile are flapping; label `profile`. Only profiles with standby servers have it.",
  },
  {
    name: "tlsd_endpoint_up",
    kind: "gauge",
    help: "1 while the active health check succeeds; labels `vnic`, `listener`, `server` and `endpoint`.",
  },
] as const satisfies readonly Metric[];

export type DirectorMetricName = (typeof DIRECTOR_METRICS)[number]["name"];

/**
 * The position of each metric in the flat arrays in which a worker counts. A metric has the same slots for every mode.
 */
export interface SlotLayout {
  readonly size: number;
  readonly firstSlot: Readonly<Record<ListenerMetricName, number>>;
}

/**
 * Returns the number of slots of a metric: one, or one per label value, or for a histogram its buckets, +Inf and sum,
 * in this order.
 */
export const slotCountOf = (metric: Metric): number =>
  metric.kind === "histogram" ? (metric.buckets?.length ?? 0) + 2 : (metric.values?.length ?? 1);

function layOut(): SlotLayout {
  const firstSlot: Partial<Record<ListenerMetricName, number>> = {};
  let size = 0;
  for (const metric of LISTENER_METRICS) {
    firstSlot[metric.name] = size;
    size += slotCountOf(metric);
  }
  return { size, firstSlot: firstSlot as Record<ListenerMetricName, number> };
}

export const SLOTS: SlotLayout = layOut();

/** Returns the length of an array that holds the slots of all these metrics. */
export const slotsNeededBy = (metrics: readonly ListenerMetric[]): number =>
  Math.max(0, ...metrics.map((metric) => SLOTS.firstSlot[metric.name] + slotCountOf(metric)));
