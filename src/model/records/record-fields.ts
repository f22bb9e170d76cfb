/**
 * Fields that the records and messages of workers share. Their limits are above what a worker sends. The control
 * process rejects values that exceed them.
 */
import Type from "typebox";
import type { ListenerName } from "../names.ts";
import { count, text } from "../shape.ts";

const MAX_TEXT = 4_096;
/** The latest time that a Date can represent. */
const MAX_TIME_MS = 8.64e15;
const MAX_PORT = 65_535;

export const longText = (description: string) => text(description, { maxLength: MAX_TEXT });

/** A short text, such as an address or the name of a cipher suite. */
export const word = (description: string) => text(description, { maxLength: 128 });

/** A server name in a ClientHello has at most 255 bytes. */
export const serverName = text("The server name that the client sent, not escaped.", {
  maxLength: 255,
});

export const milliseconds = (description: string, minimum = 0) =>
  Type.Number({ minimum, maximum: MAX_TIME_MS, description });

export const clientFields = {
  atMs: milliseconds("Time of the accept, in milliseconds since the epoch."),
  listener: Type.Unsafe<ListenerName>(longText("`<vnic>.<profile>:<port>`")),
  clientAddress: word(
    "Address of the client that connected or that a PROXY header announced. It is empty if the client was gone before it was accepted.",
  ),
  clientPort: count("Its port; 0 if the client was gone before it was accepted.", {
    maximum: MAX_PORT,
  }),
  proxyAddress: Type.Optional(word("Address of the peer whose PROXY header announced the client.")),
};

/** What was negotiated with the client. */
export const tlsFields = {
  serverName: Type.Optional(serverName),
  tlsVersion: Type.Optional(word("The negotiated TLS version.")),
  cipherSuite: Type.Optional(word("The negotiated cipher suite.")),
  group: Type.Optional(word("Key exchange group, if it is known.")),
  resumed: Type.Optional(Type.Boolean({ description: "Whether the session was resumed." })),
  clientCertificate: Type.Optional(
    // The worker cuts a longer subject off at this length.
    text(
      "The common name. Without one, the whole subject; if that is empty, the alternative names.",
      { maxLength: 1_024 },
    ),
  ),
};
