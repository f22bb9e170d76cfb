import Type from "typebox";
import { DURATION_PATTERN } from "./units.ts";
import { NAME_PATTERN } from "./names.ts";

const MODES = ["tcp", "http", "redirect", "egress"] as const;
export type ListenerMode = (typeof MODES)[number];

const duration = (value: string, description: string) =>
  Type.String({ pattern: DURATION_PATTERN, default: value, description });
const path = (description: string) => Type.String({ minLength: 1, maxLength: 4096, description });

export const EndpointTlsSchema = Type.Object(
  {
    verify: Type.Boolean({
      default: true,
      description:
        "Whether the endpoint's certificate must be valid. An egress listener always verifies.",
    }),
    ca: Type.Optional(
      path(
        "PEM file with the CAs that sign the endpoint's certificate. The system's bundle, as it is when the director starts to use it, when absent.",
      ),
    ),
    serverName: Type.Optional(
      Type.String({
        minLength: 1,
        maxLength: 253,
        description:
          "The name that is asked for and verified. The address, or an egress listener's host, when absent.",
      }),
    ),
    certificate: Type.Optional(
      Type.String({
        pattern: NAME_PATTERN,
        description: "The certificate that the director shows to the endpoint.",
      }),
    ),
  },
  {
    additionalProperties: false,
    description: "TLS towards the endpoint. Plaintext when absent (mode tcp).",
  },
);
export type EndpointTls = Type.Static<typeof EndpointTlsSchema>;

const TimeoutsSchema = Type.Object(
  {
    handshake: duration(
      "10s",
      "From accept to the end of the TLS handshake, PROXY header and ClientHello included.",
    ),
    connect: duration("5s", "For one endpoint to take a connection, its TLS handshake included."),
    idle: duration("300s", "Without a byte in either direction."),
    halfClosed: duration("30s", "Without a byte, once one side has ended its half."),
  },
  { additionalProperties: false, default: {}, description: "Deadlines." },
);

export const HealthSchema = Type.Object(
  {
    type: Type.Enum(["tcp"], {
      default: "tcp",
      description: "Opens a TCP connection and closes it.",
    }),
    interval: duration("2s", "Between two checks of one endpoint."),
    timeout: duration("1s", "For one check."),
    rise: Type.Integer({
      minimum: 1,
      maximum: 100,
      default: 2,
      description: "Successes until an endpoint is up.",
    }),
    fall: Type.Integer({
      minimum: 1,
      maximum: 100,
      default: 3,
      description: "Failures until an endpoint is down.",
    }),
  },
  {
    additionalProperties: false,
    description: "Active health check. Only failed connects count when absent.",
  },
);
export type Health = Type.Static<typeof HealthSchema>;

export const ListenerSchema = Type.Object(
  {
    port: Type.Integer({ minimum: 1, maximum: 65535, description: "TCP port on the virtual IP." }),
    mode: Type.Enum([...MODES], {
      default: "tcp",
      description:
        "`tcp` terminates TLS and relays plaintext; `redirect` answers plain HTTP with 308 to https; `egress` takes plaintext from servers and opens TLS to a remote host; `http` is not there yet.",
    }),
    to: Type.Optional(
      Type.Union(
        [
          Type.Integer({ minimum: 1, maximum: 65535 }),
          Type.String({ minLength: 1, maxLength: 512 }),
        ],
        {
          description:
            "tcp: port on the server, or `unix:/path`. egress: `host:port` of the remote. redirect: the https port, 443 when absent.",
        },
      ),
    ),
    certificates: Type.Array(Type.String({ pattern: NAME_PATTERN }), {
      maxItems: 10_000,
      uniqueItems: true,
      default: [],
      description: "The first is the default; the others are chosen by server name and key type.",
    }),
    strictServerName: Type.Boolean({
      default: false,
      description:
        "Refuse a client whose server name none of the certificates covers, and one that sends none.",
    }),
    policy: Type.String({
      pattern: NAME_PATTERN,
      default: "intermediate",
      description: "`modern`, `intermediate` or the name of a policy of the document.",
    }),
    proxyProtocol: Type.Enum(["none", "v1", "v2"], {
      default: "none",
      description:
        "The PROXY protocol header that the endpoint gets. What a header in announced is passed on.",
    }),
    acceptProxyProtocol: Type.Array(Type.String(), {
      maxItems: 256,
      default: [],
      description:
        "CIDRs from which a PROXY header (v1, or v2 of up to 64 KB) is required. All others are direct clients.",
    }),
    allowFrom: Type.Array(Type.String(), {
      maxItems: 1_000,
      default: [],
      description:
        "CIDRs of the clients that are allowed. Every client is, if the list is empty. egress: the profile's servers are allowed, and these. The client that a PROXY header announces counts, else the peer.",
    }),
    denyFrom: Type.Array(Type.String(), {
      maxItems: 1_000,
      default: [],
      description: "CIDRs of the clients that are not allowed, even if `allowFrom` has them.",
    }),
    endpointTls: Type.Optional(EndpointTlsSchema),
    health: Type.Optional(HealthSchema),
    timeouts: TimeoutsSchema,
    accessLog: Type.Enum(["off", "sampled", "full"], {
      default: "off",
      description: "One line a connection: for none, for every hundredth, for all.",
    }),
  },
  { additionalProperties: false, description: "One port of a vNIC." },
);
export type Listener = Type.Static<typeof ListenerSchema>;
