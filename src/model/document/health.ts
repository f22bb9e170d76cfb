/** The active health check of a listener's endpoints. */
import Type, { type TObject } from "typebox";
import { discriminatedUnion } from "./discriminated-union.ts";
import { timeoutOption } from "./listener-options.ts";
import { filePath } from "./marks.ts";

const CHECK_TYPES = ["tcp", "tls", "http"] as const;

const runs = (minimum: number, value: number, description: string) =>
  Type.Integer({ minimum, maximum: 100, default: value, description });

const SCHEDULE = {
  interval: timeoutOption(
    "2s",
    "Time from the start of a check of an endpoint to the start of the next. Each is up to a tenth shorter.",
  ),
  timeout: timeoutOption("1s", "Time after which one check has failed, from connect to answer."),
  rise: runs(1, 2, "Number of successful checks in a row after which an endpoint is up."),
  fall: runs(1, 3, "Number of failed checks in a row after which an endpoint is down."),
};

const typeOption = <Kind extends (typeof CHECK_TYPES)[number]>(kind: Kind, description: string) =>
  Type.Literal(kind, { description });

const TcpHealthSchema = Type.Object(
  {
    type: typeOption("tcp", "opens a connection and closes it"),
    ...SCHEDULE,
  },
  { additionalProperties: false, description: "A check of the connection." },
);

const TlsHealthSchema = Type.Object(
  {
    type: typeOption("tls", "does a TLS handshake and verifies the certificate"),
    ...SCHEDULE,
    serverName: Type.Optional(
      Type.String({
        minLength: 1,
        maxLength: 253,
        description:
          "The server name that is sent and verified. If it is not set, it is that of `endpointTls`.",
      }),
    ),
    ca: Type.Optional(
      filePath(
        "PEM file with the CAs that sign the endpoint's certificate. If it is not set, they are those of `endpointTls`.",
      ),
    ),
  },
  { additionalProperties: false, description: "A check of the certificate." },
);

/** A host name or an address, and optionally a port, as in a Host header. */
export const HOST_PATTERN = "^([A-Za-z0-9_.-]+|\\[[0-9A-Fa-f:.]+\\])(:[0-9]{1,5})?$";

/** One status, or a range of them. */
const STATUS_RANGE = "[2-5][0-9]{2}(-[2-5][0-9]{2})?";

const HttpHealthSchema = Type.Object(
  {
    type: typeOption(
      "http",
      "sends a request, over TLS if the listener has `endpointTls`, and looks at the answer",
    ),
    ...SCHEDULE,
    method: Type.Enum(["GET", "HEAD", "OPTIONS"], {
      default: "GET",
      description: "Method of the request.",
    }),
    path: Type.String({
      maxLength: 2_048,
      // Printable ASCII without the space, and without `#`, which begins a fragment.
      pattern: '^/[!"$-~]*$',
      default: "/",
      description: "Path of the request, with its query.",
    }),
    host: Type.Optional(
      Type.String({
        maxLength: 261,
        pattern: HOST_PATTERN,
        description:
          "The Host header. If it is not set, it is the server name of `endpointTls`, otherwise the address and port of the endpoint.",
      }),
    ),
    status: Type.Union(
      [
        Type.Integer({ minimum: 200, maximum: 599 }),
        Type.String({ maxLength: 256, pattern: `^${STATUS_RANGE}(, ?${STATUS_RANGE})*$` }),
      ],
      {
        default: "200-399",
        description:
          "The statuses of a healthy endpoint, e.g. 200, `200-399` or `200-299, 401`. Redirects are not followed.",
      },
    ),
    body: Type.Optional(
      Type.String({
        minLength: 1,
        maxLength: 1_024,
        description:
          "A text that the body of the answer must contain within its first 64 KiB. If it is not set, the body is not read.",
      }),
    ),
  },
  { additionalProperties: false, description: "A check of an HTTP answer." },
);

const HEALTH_SCHEMAS = { tcp: TcpHealthSchema, tls: TlsHealthSchema, http: HttpHealthSchema };

export type HealthOf<Kind extends keyof typeof HEALTH_SCHEMAS> = Type.Static<
  (typeof HEALTH_SCHEMAS)[Kind]
>;
export type Health = {
  [Kind in keyof typeof HEALTH_SCHEMAS]: HealthOf<Kind>;
}[keyof typeof HEALTH_SCHEMAS];

export const HealthSchema = Type.Unsafe<Health>(
  discriminatedUnion(
    "type",
    CHECK_TYPES.map((kind): TObject => HEALTH_SCHEMAS[kind]),
    Type.Enum([...CHECK_TYPES], {
      default: "tcp",
      description:
        "`tcp` opens a connection and closes it; `tls` does a TLS handshake and verifies the certificate; `http` sends a request, over TLS if the listener has `endpointTls`, and looks at the answer.",
    }),
    "Active health check of the listener's endpoints. If it is not set, only failed connections of clients count. But if the profile has `standby`, a listener that leads to a port is then checked with the defaults.",
  ),
);

/** The first and the last of a range of statuses. */
export type StatusRange = readonly [first: number, last: number];

/** Parses `status` of a check. The schema has checked its form. */
export const statusRangesOf = (status: number | string): readonly StatusRange[] =>
  String(status)
    .split(",")
    .map((range): StatusRange => {
      const [first = "", last = first] = range.trim().split("-");
      return [Number(first), Number(last)];
    });
