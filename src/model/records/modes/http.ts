import type { HttpListener } from "../../document/modes/http.ts";
import { HTTP_METRICS } from "../http-metrics.ts";
import type { ModeRecords } from "../mode-records.ts";
import { terminatingRecords, type SnapshotTerminating } from "../terminating-records.ts";

/** How requests are served. The timeouts of every mode are in `timeouts` of the listener. */
export interface SnapshotHttp {
  readonly headMs: number;
  readonly keepAliveMs: number;
  readonly answerMs: number;
  readonly upgradedMs: number;
  /** CIDRs of the clients whose forwarding fields are kept. */
  readonly trustedProxies: readonly string[];
  readonly forwarded: HttpListener["forwarded"];
  /** What Host is replaced with. Undefined if it is kept. */
  readonly host?: string;
  readonly requestId: boolean;
  readonly traceparent: HttpListener["traceparent"];
  readonly clientFacts: {
    readonly tls: boolean;
    readonly ja4: boolean;
    readonly certificate: boolean;
  };
  /** The value of Strict-Transport-Security. Undefined if the director does not send it. */
  readonly hsts?: string;
  readonly responseFields: {
    /** Pairs of a name, as it is written, and a value. A field of the endpoint with this name is replaced. */
    readonly set: readonly (readonly [name: string, value: string])[];
    /** In lower case. None of them is in `set`. */
    readonly remove: readonly string[];
  };
  readonly pool: {
    readonly reuse: HttpListener["pool"]["reuse"];
    readonly idleMs: number;
    /** For each endpoint and worker. */
    readonly maxIdle: number;
  };
  readonly countServerErrors: boolean;
  readonly accessLogFormat: HttpListener["accessLogFormat"];
  readonly accessLogQuery: boolean;
}

/** Its `policy.alpn` is the protocols that the mode offers. */
export interface SnapshotHttpListener extends SnapshotTerminating<"http"> {
  readonly http: SnapshotHttp;
}

export const httpRecords = {
  ...terminatingRecords,
  metrics: [...terminatingRecords.metrics, ...HTTP_METRICS],
} as const satisfies ModeRecords<SnapshotHttpListener>;
