import { HTTP2_FAULT_NAMES } from "./http2-fault.ts";
import { HTTP_OUTCOME_NAMES, HTTP_RULE_NAMES, STATUS_CLASSES } from "./http-outcome.ts";
import { DURATION_BUCKETS, type Metric } from "./metric.ts";

const REQUEST_BUCKETS = [...DURATION_BUCKETS, 30, 60] as const;

/** Counted for each listener that serves HTTP requests. */
export const HTTP_METRICS = [
  {
    name: "tlsd_http_requests_total",
    kind: "counter",
    help: "Requests by the class of the status that the client got.",
    label: "class",
    values: STATUS_CLASSES,
  },
  {
    name: "tlsd_http_exchanges_ended_total",
    kind: "counter",
    help: "Exchanges, each a request and its answer, by how they ended.",
    label: "outcome",
    values: HTTP_OUTCOME_NAMES,
  },
  {
    name: "tlsd_http_refused_total",
    kind: "counter",
    help: "Requests that were refused, by the rule that they violate.",
    label: "rule",
    values: HTTP_RULE_NAMES,
  },
  {
    name: "tlsd_http_bad_answers_total",
    kind: "counter",
    help: "Answers of endpoints that were not accepted, by the rule that they violate.",
    label: "rule",
    values: HTTP_RULE_NAMES,
  },
  {
    name: "tlsd_http2_faults_total",
    kind: "counter",
    help: "Connections of HTTP/2 that were ended for what the client did, by cause.",
    label: "cause",
    values: HTTP2_FAULT_NAMES,
  },
  {
    name: "tlsd_http_request_seconds",
    kind: "histogram",
    help: "Time from the first byte of a request to the last byte of its answer.",
    buckets: REQUEST_BUCKETS,
  },
  {
    name: "tlsd_http_answer_seconds",
    kind: "histogram",
    help: "Time from the end of a request to the first byte of the endpoint's answer.",
    buckets: REQUEST_BUCKETS,
  },
  {
    name: "tlsd_http_pool_reused_total",
    kind: "counter",
    help: "Requests that were sent over a connection to the endpoint that had served one before.",
  },
  {
    name: "tlsd_http_retries_total",
    kind: "counter",
    help: "Requests that were sent again, because the endpoint had closed the connection before any byte of its answer.",
  },
] as const satisfies readonly Metric[];
