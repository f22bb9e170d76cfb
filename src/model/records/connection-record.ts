import Type from "typebox";
import { count, oneOf, shape, text, type ShapeOf } from "../shape.ts";
import { CONNECTION_OUTCOME_NAMES, ENDPOINT_FAILURE_NAMES } from "./outcome.ts";
import { clientFields, longText, milliseconds, tlsFields, word } from "./record-fields.ts";

/** Milliseconds since accept, or -1 if the stage was not reached. */
const sinceAccept = (description: string) => milliseconds(description, -1);

export const ConnectionRecordSchema = shape(
  {
    ...clientFields,
    id: word("Number of the connection, which no other connection of the director has."),
    uniqueId: Type.Optional(
      longText(
        "The unique id of the received PROXY header, in hexadecimal unless it is printable ASCII.",
      ),
    ),
    virtualIp: word("The address that the client connected to."),
    ...tlsFields,
    alpn: Type.Optional(text("The negotiated application protocol.", { maxLength: 255 })),
    endpoint: Type.Optional(longText("Server name and address, as in `web-1 127.0.0.1:8080`.")),
    server: Type.Optional(longText("Name of the server that was used, or tried last.")),
    endpointFailure: Type.Optional(oneOf(ENDPOINT_FAILURE_NAMES, "Why no endpoint could be used.")),
    handshakeMs: sinceAccept("Time until the handshake was done."),
    connectMs: sinceAccept("Time until an endpoint was connected."),
    firstByteMs: sinceAccept("Time until the first byte of the endpoint arrived."),
    durationMs: sinceAccept("Time until the connection ended."),
    bytesFromClient: count("Plaintext bytes from the client."),
    bytesToClient: count("Plaintext bytes to the client."),
    outcome: oneOf(CONNECTION_OUTCOME_NAMES, "How the connection ended."),
  },
  "One access line. Times are milliseconds since accept, or -1 if the stage was not reached.",
);
export type ConnectionRecord = ShapeOf<typeof ConnectionRecordSchema>;
