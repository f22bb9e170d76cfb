import Type from "typebox";
import type { ListenerMode } from "../listener-mode.ts";
import { CERTIFICATE_NAME_PATTERN } from "./certificate-name.ts";
import { endpointText } from "./marks.ts";
import { NAME_PATTERN } from "../names.ts";
import { DURATION_PATTERN, TIMEOUT_PATTERN } from "../units.ts";

export const durationOption = (value: string, description: string) =>
  Type.String({ pattern: DURATION_PATTERN, default: value, description });

/** A duration that must be above zero, because with zero nothing could succeed. */
export const timeoutOption = (value: string, description: string) =>
  Type.String({ pattern: TIMEOUT_PATTERN, default: value, description });

/** `description` says what a listener of the mode does, as the predicate of a sentence. */
export const modeOption = <Mode extends ListenerMode>(mode: Mode, description: string) =>
  Type.Literal(mode, { description });

/**
 * The schema allows a port and a text. A mode that accepts only one of them checks this in its rules, whose message can
 * say what is expected.
 */
export const toOption = (description: string) =>
  Type.Union([Type.Integer({ minimum: 1, maximum: 65535 }), endpointText()], { description });

/** The endpoints of modes that lead to servers of the profile. */
export const toServersOption = toOption(
  "The port on the server, e.g. 8080, or `unix:/path/to/socket`.",
);

export const policyOption = Type.String({
  pattern: NAME_PATTERN,
  default: "intermediate",
  description: "`modern`, `intermediate` or the name of a policy of the document.",
});

/** The deadlines that mean the same in every mode. */
export const COMMON_TIMEOUTS = {
  handshake: timeoutOption(
    "10s",
    "Time from accept to the end of the TLS handshake, including PROXY header and ClientHello.",
  ),
  connect: timeoutOption(
    "5s",
    "Time in which one endpoint must accept a connection, including its TLS handshake.",
  ),
};

const TimeoutsSchema = Type.Object(
  {
    ...COMMON_TIMEOUTS,
    idle: timeoutOption(
      "300s",
      "Time after which a connection without a byte in either direction is ended.",
    ),
    halfClosed: timeoutOption("30s", "The same, after one side has ended its direction."),
  },
  { additionalProperties: false, default: {}, description: "Deadlines of a connection." },
);

export const portOption = Type.Integer({
  minimum: 1,
  maximum: 65535,
  description: "TCP port on the virtual IP.",
});

/** The options of every mode, in addition to `port` and `mode`. */
export const COMMON_OPTIONS = {
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
  timeouts: TimeoutsSchema,
  accessLog: Type.Enum(["off", "sampled", "full"], {
    default: "off",
    description:
      "Which connections get a line in the log: none (`off`), every hundredth (`sampled`), or all (`full`).",
  }),
};

/** The options of modes whose clients may connect through a proxy. */
export const PROXIED_OPTIONS = {
  acceptProxyProtocol: Type.Array(Type.String(), {
    maxItems: 256,
    default: [],
    description:
      "CIDRs of the peers that must send a PROXY header (v1, or v2 of up to 64 KB). Other peers are treated as clients.",
  }),
};

/** The options of modes that terminate the TLS of clients. */
export const CLIENT_TLS_OPTIONS = {
  certificates: Type.Array(Type.String({ pattern: CERTIFICATE_NAME_PATTERN }), {
    maxItems: 10_000,
    isUnique: true,
    default: [],
    description:
      "Names of certificates. The first is the default; the others are chosen by server name and key type.",
  }),
  strictServerName: Type.Boolean({
    default: false,
    description: "Refuse clients that send no server name, or one that no certificate covers.",
  }),
  policy: policyOption,
};
