import Type from "typebox";
import { CERTIFICATE_NAME_PATTERN } from "./certificate-name.ts";
import { filePath } from "./marks.ts";
import { durationOption } from "./listener-options.ts";

const EndpointTlsSchema = Type.Object(
  {
    verify: Type.Boolean({
      default: true,
      description:
        "Whether the endpoint's certificate must be valid. An egress listener always verifies it.",
    }),
    ca: Type.Optional(
      filePath(
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

const HealthSchema = Type.Object(
  {
    type: Type.Enum(["tcp"], {
      default: "tcp",
      description: "The check opens a TCP connection and closes it.",
    }),
    interval: durationOption("2s", "Time between two checks of one endpoint."),
    timeout: durationOption("1s", "Time after which one check has failed."),
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

/** The options of modes that use endpoints. */
export const ENDPOINT_OPTIONS = {
  endpointTls: Type.Optional(EndpointTlsSchema),
  health: Type.Optional(HealthSchema),
};

/** The option of modes that can announce the client to an endpoint. */
export const ANNOUNCING_OPTIONS = {
  proxyProtocol: Type.Enum(["none", "v1", "v2"], {
    default: "none",
    description:
      "The version of the PROXY protocol header that is sent to the endpoint. What a received header announces is passed on.",
  }),
};
