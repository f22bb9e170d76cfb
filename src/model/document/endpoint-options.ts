import Type from "typebox";
import { CERTIFICATE_NAME_PATTERN } from "./certificate-name.ts";
import { filePath } from "./marks.ts";
import { HealthSchema } from "./health.ts";

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
    description:
      "TLS to the endpoint. If it is not set, a listener of mode tcp or http sends plaintext.",
  },
);
export type EndpointTls = Type.Static<typeof EndpointTlsSchema>;

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
