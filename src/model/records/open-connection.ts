/** What an operator sees of open connections, and what selects them. */
import Type from "typebox";
import { count, oneOf, shape, type ShapeOf } from "../shape.ts";
import { OptionalOrphans } from "./orphans-status.ts";
import { clientFields, longText, milliseconds, serverName, word } from "./record-fields.ts";

/** How many connections one reply lists. */
export const MAX_LISTED = 1_000;

/**
 * Properties that are undefined select all. A server is that of the endpoint. In names, `*` stands for any characters. `client`
 * is an address or a CIDR.
 */
export interface ConnectionFilter {
  readonly vnic?: string;
  readonly listener?: string;
  readonly server?: string;
  readonly client?: string;
}

const STAGES = ["opening", "connecting", "relaying", "idle"] as const;
export type ConnectionStage = (typeof STAGES)[number];

const rate = (description: string) =>
  Type.Number({ minimum: 0, maximum: Number.MAX_SAFE_INTEGER, description });

export const OpenConnectionSchema = shape(
  {
    ...clientFields,
    id: word("Number of the connection, as in its access line."),
    stage: oneOf(
      STAGES,
      "`opening` until it is served: PROXY header, ClientHello, handshake; `connecting` while it waits for an endpoint; then `relaying`. With mode `http`, `idle` between two requests.",
    ),
    serverName: Type.Optional(serverName),
    server: Type.Optional(longText("Name of the server whose endpoint it uses or waits for.")),
    endpoint: Type.Optional(longText("Address of the endpoint that it uses or waits for.")),
    ageMs: milliseconds("Time since accept."),
    bytesFromClient: count("Plaintext bytes from the client."),
    bytesToClient: count("Plaintext bytes to the client."),
    fromClientPerSecond: rate("Bytes a second from the client, in the last half second."),
    toClientPerSecond: rate("Bytes a second to the client, in the last half second."),
  },
  "An open connection. Values that the client sent are not escaped.",
);
export type OpenConnection = ShapeOf<typeof OpenConnectionSchema>;

export const OpenConnectionsSchema = shape(
  {
    total: count("How many open connections match."),
    shown: count(
      "How many of them are listed. If it is lower than `total`, they are a sample that is spread evenly over their ages.",
    ),
    silentWorkers: count(
      "How many workers did not answer in time. Their connections are not counted.",
    ),
    orphans: OptionalOrphans,
    connections: Type.Array(OpenConnectionSchema, { description: "The oldest first." }),
  },
  "Open connections, also those of vNICs and listeners that were removed from the document.",
);
export type OpenConnections = ShapeOf<typeof OpenConnectionsSchema>;

export const CutConnectionsSchema = shape(
  {
    cut: count("How many connections were cut."),
    silentWorkers: count(
      "How many workers did not confirm it in time. Their connections are not counted.",
    ),
    orphans: OptionalOrphans,
  },
  "The result of cutting connections.",
);
export type CutConnections = ShapeOf<typeof CutConnectionsSchema>;
