import Type from "typebox";
import type { HandshakeRecord } from "#model/records/handshake-record.ts";
import {
  HANDSHAKE_FAILURES,
  HANDSHAKE_FAILURE_NAMES,
  OVER_LIMITS,
} from "#model/records/outcome.ts";
import { choice, count, shape, text, texts } from "./reply-schemas.ts";

/** A failed handshake with what an operator should know of its cause. */
export interface ExplainedHandshake extends HandshakeRecord {
  readonly hint: string;
}

export const explain = (record: HandshakeRecord): ExplainedHandshake => ({
  ...record,
  hint: HANDSHAKE_FAILURES[record.failure],
});

export const ExplainedHandshakeSchema = shape<ExplainedHandshake>(
  {
    atMs: Type.Number({ description: "Milliseconds since the epoch." }),
    listener: text("`<vnic>.<profile>:<port>`"),
    failure: choice(HANDSHAKE_FAILURE_NAMES, "The cause."),
    hint: text("The cause in words."),
    limit: Type.Optional(choice(OVER_LIMITS, "Which limit, with `over-limit`.")),
    alert: Type.Optional(
      text("Name of the client's alert; `unknown` if the engine cannot read it."),
    ),
    detail: Type.Optional(text("The error text of the engine, or what the client offered.")),
    clientAddress: text(
      "Address of the client that connected or that a PROXY header announced. It is empty if the client was gone before it was accepted.",
    ),
    clientPort: count("Its port."),
    proxyAddress: Type.Optional(
      text("Address of the peer whose PROXY header announced the client."),
    ),
    serverName: Type.Optional(text("The server name that the client sent, as it came.")),
    alpn: Type.Optional(texts("The application protocols that the client offered, as they came.")),
    offeredVersions: Type.Optional(texts("The TLS versions that the client offered.")),
    durationMs: Type.Number({ description: "From accept to the failure." }),
  },
  "A failed handshake. What the client sent is as it came: escape it where it is shown.",
);
