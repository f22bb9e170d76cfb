import Type from "typebox";
import { CERTIFICATE_NAME_PATTERN } from "./certificate-name.ts";
import { DURATION_PATTERN } from "../units.ts";
import { NAME_PATTERN } from "../names.ts";

export const LISTENER_MODES = ["tcp", "http", "redirect", "egress"] as const;

const duration = (value: string, description: string) =>
  Type.String({ pattern: DURATION_PATTERN, default: value, description });
const path = (description: string) => Type.String({ minLength: 1, maxLength: 4096, description });

export const EndpointTlsSchema = Type.Object(
  {
    verify: Type.Boolean({
      default: true,
      description:
        "Whether the endpoint's certificate must be valid. An egress listener always verifies it.",
    }),
    ca: Type.Optional(
      path(
        "PEM file with the CAs that sign the endpoint's certificate. If it is not set, the CA bundle of the system is used as it is when the director reads it first.",
      ),
    ),
    serverName: Type.Optional(
      Type.String({
        minLength: 1,
        maxLength: 253,
        description:
          "The server name that is sent to the endpoint and verified. If it is not set, it is the endpoint's address, or the host of an egress listener.",
      }),
    ),
    certificate: Type.Optional(
      Type.String({
        pattern: CERTIFICATE_NAME_PATTERN,
        description: "The certificate that the director presents to the endpoint.",
      }),
    ),
  },
  {
    additionalProperties: false,
    description: "TLS to the endpoint. If it is not set, a listener of mode tcp sends plaintext.",
  },
);
export type EndpointTls = Type.Static<typeof EndpointTlsSchema>;

const TimeoutsSchema = Type.Object(
  {
    handshake: duration(
      "10s",
      "Time from accept to the end of the TLS handshake, including PROXY header and ClientHello.",
    ),
    connect: duration(
      "5s",
      "Time in which one endpoint must accept a connection, including its TLS handshake.",
    ),
    idle: duration(
      "300s",
      "Time after which a connection without a byte in either direction is ended.",
    ),
    halfClosed: duration("30s", "The same, after one side has ended its direction."),
  },
  { additionalProperties: false, default: {}, description: "Deadlines of a connection." },
);

export const HealthSchema = Type.Object(
  {
    type: Type.Enum(["tcp"], {
      default: "tcp",
      description: "The check opens a TCP connection and closes it.",
    }),
    interval: duration("2s", "Time between two checks of one endpoint."),
    timeout: duration("1s", "Time after which one check has failed."),
    rise: Type.Integer({
      minimum: 1,
      maximum: 100,
      default: 2,
      description: "Number of successful checks in a row after which an endpoint is up.",
    }),
    fall: Type.Integer({
      minimum: 1,
      maximum: 100,
      default: 3,
      description: "Number of failed checks in a row after which an endpoint is down.",
    }),
  },
  {
    additionalProperties: false,
    description: "Active health check. If it is not set, only failed connections of clients count.",
  },
);
export type Health = Type.Static<typeof HealthSchema>;

export const ListenerSchema = Type.Object(
  {
    port: Type.Integer({ minimum: 1, maximum: 65535, description: "TCP port on the virtual IP." }),
    mode: Type.Enum([...LISTENER_MODES], {
      default: "tcp",
      description:
        "`tcp` terminates TLS and relays plaintext; `redirect` answers plain HTTP with a redirection (308) to https; `egress` accepts plaintext from servers and opens TLS to a remote host; `http` is not available yet.",
    }),
    to: Type.Optional(
      Type.Union(
        [
          Type.Integer({ minimum: 1, maximum: 65535 }),
          Type.String({ minLength: 1, maxLength: 512 }),
        ],
        {
          description:
            "Mode tcp: the port on the server, or `unix:/path`. Mode egress: `host:port` of the remote host. Mode redirect: the https port, 443 if it is not set.",
        },
      ),
    ),
    certificates: Type.Array(Type.String({ pattern: CERTIFICATE_NAME_PATTERN }), {
      maxItems: 10_000,
      uniqueItems: true,
      default: [],
      description:
        "Names of certificates. The first is the default; the others are chosen by server name and key type.",
    }),
    strictServerName: Type.Boolean({
      default: false,
      description: "Refuse clients that send no server name, or one that no certificate covers.",
    }),
    policy: Type.String({
      pattern: NAME_PATTERN,
      default: "intermediate",
      description: "`modern`, `intermediate` or the name of a policy of the document.",
    }),
    proxyProtocol: Type.Enum(["none", "v1", "v2"], {
      default: "none",
      description:
        "The version of the PROXY protocol header that is sent to the endpoint. What a received header announces is passed on.",
    }),
    acceptProxyProtocol: Type.Array(Type.String(), {
      maxItems: 256,
      default: [],
      description:
        "CIDRs of the peers that must send a PROXY header (v1, or v2 of up to 64 KB). Other peers are treated as clients.",
    }),
    allowFrom: Type.Array(Type.String(), {
      maxItems: 1_000,
      default: [],
      description:
        "CIDRs of the clients that are allowed. An empty list allows every client. An egress listener also allows the servers of its profile. The client is the one that a PROXY header announces, otherwise the peer.",
    }),
    denyFrom: Type.Array(Type.String(), {
      maxItems: 1_000,
      default: [],
      description: "CIDRs of the clients that are not allowed, even if `allowFrom` contains them.",
    }),
    endpointTls: Type.Optional(EndpointTlsSchema),
    health: Type.Optional(HealthSchema),
    timeouts: TimeoutsSchema,
    accessLog: Type.Enum(["off", "sampled", "full"], {
      default: "off",
      description:
        "Which connections get a line in the log: none (`off`), every hundredth (`sampled`), or all (`full`).",
    }),
  },
  { additionalProperties: false, description: "One port of a vNIC." },
);
export type Listener = Type.Static<typeof ListenerSchema>;
