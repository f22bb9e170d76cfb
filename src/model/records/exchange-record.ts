import Type from "typebox";
import { count, oneOf, shape, text, type ShapeOf } from "../shape.ts";
import { HTTP_OUTCOME_NAMES, HTTP_RULE_NAMES } from "./http-outcome.ts";
import { ENDPOINT_FAILURE_NAMES } from "./outcome.ts";
import { RECORDED_LENGTHS } from "./recorded-lengths.ts";
import { clientFields, longText, milliseconds, tlsFields, word } from "./record-fields.ts";

/** The versions of HTTP that clients can speak. */
const HTTP_PROTOCOLS = ["HTTP/1.0", "HTTP/1.1", "HTTP/2.0"] as const;

/** A text of a client or an endpoint, cut off by the worker and not escaped. */
const foreign = (key: keyof typeof RECORDED_LENGTHS, description: string) =>
  Type.Optional(text(description, { maxLength: RECORDED_LENGTHS[key] }));

/** Milliseconds since the first byte of the request, or -1 if the stage was not reached. */
const sinceRequest = (description: string) => milliseconds(description, -1);

export const ExchangeRecordSchema = shape(
  {
    ...clientFields,
    atMs: milliseconds("Time of the first byte of the request, in milliseconds since the epoch."),
    id: word("Number of the connection, as in its own access line."),
    number: count("Number of the exchange on its connection. The first is 1."),
    requestId: foreign("requestId", "The X-Request-Id that the endpoint was sent."),
    virtualIp: word("The address that the client connected to."),
    ...tlsFields,
    protocol: oneOf(HTTP_PROTOCOLS, "The version of HTTP that the client speaks."),
    method: foreign("method", "Method of the request. Absent if it was not read."),
    host: foreign("host", "Host of the request."),
    path: foreign("path", "Target of the request. It has a query only with `accessLogQuery`."),
    referer: foreign("referer", "The Referer field. It has a query only with `accessLogQuery`."),
    userAgent: foreign("userAgent", "The User-Agent field."),
    status: count("Status that the client was sent, or 0 if there was none.", { maximum: 999 }),
    endpoint: Type.Optional(longText("Server name and address, as in `web-1 127.0.0.1:8080`.")),
    server: Type.Optional(longText("Name of the server that was used, or tried last.")),
    endpointFailure: Type.Optional(oneOf(ENDPOINT_FAILURE_NAMES, "Why no endpoint could be used.")),
    reused: Type.Optional(
      Type.Boolean({
        description: "Whether the connection to the endpoint had served a request before.",
      }),
    ),
    retried: Type.Optional(
      Type.Boolean({ description: "Whether the request was sent to the endpoint twice." }),
    ),
    rule: Type.Optional(
      oneOf(HTTP_RULE_NAMES, "The rule of HTTP that the request or the answer violates."),
    ),
    field: foreign("field", "Name of the field that violates the rule."),
    headMs: sinceRequest("Time until the head of the request was whole."),
    connectMs: sinceRequest("Time until there was a connection to an endpoint."),
    firstByteMs: sinceRequest("Time until the first byte of the endpoint's answer arrived."),
    durationMs: sinceRequest("Time until the exchange ended."),
    bytesFromClient: count("Plaintext bytes of the request, with its head."),
    bytesToClient: count("Plaintext bytes of the answer, with its head."),
    bodyBytesToClient: count("Bytes of the body of the answer that the client was sent."),
    outcome: oneOf(HTTP_OUTCOME_NAMES, "How the exchange ended."),
  },
  "One access line of an exchange. Times are milliseconds since the first byte of the request, or -1 if the stage was not reached.",
);
export type ExchangeRecord = ShapeOf<typeof ExchangeRecordSchema>;
