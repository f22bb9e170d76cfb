/** The options of mode http. */
import Type from "typebox";
import { HOST_PATTERN } from "./health.ts";
import {
  COMMON_OPTIONS,
  COMMON_TIMEOUTS,
  durationOption,
  timeoutOption,
} from "./listener-options.ts";
import { ResponseFieldsSchema } from "./response-fields.ts";
import { AGE_PATTERN } from "../units.ts";

const HttpTimeoutsSchema = Type.Object(
  {
    ...COMMON_TIMEOUTS,
    idle: timeoutOption(
      "300s",
      "Time after which an exchange is ended if no byte of the answer arrives, or the client takes none.",
    ),
    halfClosed: timeoutOption(
      "30s",
      "Time after which an upgraded connection without a byte is ended, after one side has ended its direction.",
    ),
    head: timeoutOption(
      "15s",
      "Time in which the whole head of a request must arrive. It begins with the first byte, and for the first request when the handshake is done.",
    ),
    keepAlive: durationOption(
      "75s",
      "Time after which a connection that waits for its next request is closed. With `0s`, a connection of HTTP/1.1 is for one request, and one of HTTP/2 ends as soon as it has no stream.",
    ),
    answer: timeoutOption(
      "60s",
      "Time from the end of the request until the endpoint's answer begins. An interim answer (1xx except 100) restarts it. When it is over, the client gets 504.",
    ),
    upgraded: timeoutOption(
      "1h",
      "Time after which an upgraded connection (WebSocket) without a byte in either direction is ended.",
    ),
  },
  {
    additionalProperties: false,
    default: {},
    description: "Deadlines of a connection and of its exchanges.",
  },
);

const HstsSchema = Type.Object(
  {
    maxAge: Type.String({
      pattern: AGE_PATTERN,
      default: "365d",
      description: "How long browsers use only https for the host, e.g. 365d. `0s` ends it.",
    }),
    includeSubDomains: Type.Boolean({
      default: false,
      description: "Whether it also applies to all subdomains of the host.",
    }),
    preload: Type.Boolean({
      default: false,
      description: "Whether browsers may put the host into the lists that they ship with.",
    }),
  },
  {
    additionalProperties: false,
    description:
      "Sends Strict-Transport-Security (RFC 6797) with each answer. It replaces that of the endpoint.",
  },
);
export type Hsts = Type.Static<typeof HstsSchema>;

const PoolSchema = Type.Object(
  {
    reuse: Type.Enum(["safe", "always", "never"], {
      default: "safe",
      description:
        "When a request may be sent over an idle connection to the endpoint. `safe`: the first request of a client connection only if it can be repeated, later ones always. `always`: every request, so a client may get 502 because the endpoint was closing the connection. `never`: each client connection has its own.",
    }),
    idle: durationOption(
      "4s",
      "Time after which an idle connection to an endpoint is closed. It must be shorter than the keep-alive time of the endpoint. `Keep-Alive: timeout` of an answer can make it shorter. With `0s`, none is kept.",
    ),
    maxIdle: Type.Integer({
      minimum: 0,
      maximum: 10_000,
      default: 100,
      description: "How many idle connections each worker keeps to an endpoint.",
    }),
  },
  {
    additionalProperties: false,
    default: {},
    description: "How connections to endpoints are used again.",
  },
);

/** What an endpoint can be told about the TLS of the client. */
const CLIENT_FACTS = ["tls", "ja4", "certificate"] as const;

/** The options that other modes have too, with what they mean for requests. */
export const REQUEST_OPTIONS = {
  ...COMMON_OPTIONS,
  timeouts: HttpTimeoutsSchema,
  accessLog: Type.Enum(["off", "sampled", "full"], {
    default: "off",
    description:
      "Which requests get a line in the log: none (`off`), those of every hundredth connection (`sampled`), or all (`full`).",
  }),
};

/** The options that only mode http has. */
export const HTTP_OPTIONS = {
  protocols: Type.Array(Type.Enum(["h2", "http/1.1"]), {
    minItems: 1,
    maxItems: 2,
    isUnique: true,
    default: ["h2", "http/1.1"],
    description:
      "The versions of HTTP that clients are offered by ALPN, the preferred one first. A client without ALPN speaks HTTP/1.1.",
  }),
  trustedProxies: Type.Array(Type.String(), {
    maxItems: 256,
    default: [],
    description:
      "CIDRs of the clients whose forwarding fields (X-Forwarded-For and others) are kept and extended. Those of other clients are removed. The client is the one that a PROXY header announces, otherwise the peer.",
  }),
  forwarded: Type.Enum(["x-forwarded", "forwarded", "none"], {
    default: "x-forwarded",
    description:
      "How endpoints learn of the client: `x-forwarded` sends X-Forwarded-For, -Proto, -Host and -Port; `forwarded` sends Forwarded (RFC 7239); `none` sends neither.",
  }),
  host: Type.String({
    maxLength: 261,
    pattern: HOST_PATTERN,
    default: "keep",
    description:
      "The Host header that endpoints get: a host name and optionally a port, or `keep` for that of the client.",
  }),
  requestId: Type.Boolean({
    default: true,
    description:
      "Whether endpoints get X-Request-Id. It is new for each request, unless a client in `trustedProxies` sends one.",
  }),
  traceparent: Type.Enum(["keep", "make"], {
    default: "keep",
    description:
      "What becomes of the trace context (W3C): `keep` passes on a well-formed traceparent; `make` adds one to requests without it. One that is not well-formed is removed.",
  }),
  clientFacts: Type.Array(Type.Enum([...CLIENT_FACTS]), {
    maxItems: CLIENT_FACTS.length,
    isUnique: true,
    default: [],
    description:
      "What endpoints are told about the TLS of the client: `tls` sends version, cipher suite and server name; `ja4` sends the JA4 fingerprint of the ClientHello; `certificate` sends the client certificate (RFC 9440).",
  }),
  hsts: Type.Optional(HstsSchema),
  responseFields: ResponseFieldsSchema,
  pool: PoolSchema,
  countServerErrors: Type.Boolean({
    default: false,
    description:
      "Whether answers with a status of 500 or more count as failures of the endpoint: after three in a row it gets no requests for a while if another endpoint is up.",
  }),
  accessLogFormat: Type.Enum(["json", "combined"], {
    default: "json",
    description:
      "Format of the lines of requests: `json`, or `combined` as of Apache and nginx. A `combined` line stands in the log as it is, between lines in JSON.",
  }),
  accessLogQuery: Type.Boolean({
    default: false,
    description:
      "Whether the lines of requests have the query of the target and of Referer. Queries may hold secrets.",
  }),
};
