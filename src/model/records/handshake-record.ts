import Type from "typebox";
import { oneOf, shape, texts, type ShapeOf } from "../shape.ts";
import { HANDSHAKE_FAILURE_NAMES, OVER_LIMITS } from "./outcome.ts";
import { clientFields, longText, milliseconds, serverName, word } from "./record-fields.ts";

const LIST_BOUNDS = { maxLength: 255, maxItems: 100 };

export const HandshakeRecordSchema = shape(
  {
    ...clientFields,
    failure: oneOf(HANDSHAKE_FAILURE_NAMES, "The cause."),
    limit: Type.Optional(oneOf(OVER_LIMITS, "Which limit, with `over-limit`.")),
    alert: Type.Optional(
      word(
        "Name of the alert, with `client-rejected-certificate` and `client-alert`; `unknown` if the engine cannot read it.",
      ),
    ),
    detail: Type.Optional(longText("The error text of the engine, or what the client offered.")),
    serverName: Type.Optional(serverName),
    alpn: Type.Optional(
      texts("The application protocols that the client offered, not escaped.", LIST_BOUNDS),
    ),
    offeredVersions: Type.Optional(
      texts("The TLS versions that the client offered, e.g. `TLSv1.2`.", LIST_BOUNDS),
    ),
    durationMs: milliseconds("Time from accept to the failure."),
  },
  "A failed handshake. Values that the client sent are not escaped, so they must be escaped before they are shown.",
);
export type HandshakeRecord = ShapeOf<typeof HandshakeRecordSchema>;
