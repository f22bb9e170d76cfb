/** Groups of failed handshakes, and what selects them. */
import Type from "typebox";
import { count, oneOf, shape, text, type ShapeOf } from "../shape.ts";
import { HandshakeRecordSchema, type HandshakeRecord } from "./handshake-record.ts";
import { HANDSHAKE_FAILURES, HANDSHAKE_FAILURE_NAMES, type HandshakeFailure } from "./outcome.ts";

/** Properties that are undefined select all. In `listener` and `vnic`, `*` stands for any characters. */
export interface HandshakeFilter {
  readonly cause?: HandshakeFailure;
  readonly listener?: string;
  readonly vnic?: string;
  readonly client?: string;
  readonly serverName?: string;
}

export const ExplainedHandshakeSchema = shape(
  { ...HandshakeRecordSchema.properties, hint: text("An explanation of the cause.") },
  "A failed handshake and its cause. Texts that the client sent are not escaped. Escape them before you display them.",
);

/** A failed handshake with an explanation of its cause. */
export type ExplainedHandshake = ShapeOf<typeof ExplainedHandshakeSchema>;

export const explainHandshake = (record: HandshakeRecord): ExplainedHandshake => ({
  ...record,
  hint: HANDSHAKE_FAILURES[record.failure],
});

export const HandshakeGroupSchema = shape(
  {
    cause: Type.Optional(oneOf(HANDSHAKE_FAILURE_NAMES, "The cause, if it is grouped by.")),
    listener: Type.Optional(text("`<vnic>.<profile>:<port>`, if it is grouped by.")),
    serverName: Type.Optional(
      text("The server name, not escaped, if it is grouped by. Empty if the client sent none."),
    ),
    client: Type.Optional(text("The address of the client, if it is grouped by.")),
    count: count(
      "How many there were since the director started, from the counters. If it is grouped or filtered by server name or client, how many are kept.",
    ),
    kept: count("How many failed handshakes of the group are kept."),
    firstAtMs: count("Time of the oldest that is kept, in milliseconds since the epoch."),
    lastAtMs: count("Time of the newest that is kept, in milliseconds since the epoch."),
    example: ExplainedHandshakeSchema,
    hint: text("An explanation of the cause of the example."),
  },
  "Failed handshakes that have something in common.",
);
export type HandshakeGroup = ShapeOf<typeof HandshakeGroupSchema>;

export const HandshakeGroupsSchema = shape(
  {
    groups: Type.Array(HandshakeGroupSchema, {
      description: "The groups with the most failed handshakes, the largest first.",
    }),
    total: count("How many groups there are. More than are listed if `limit` is lower."),
    kept: count("How many kept failed handshakes match the filters."),
  },
  "Groups of failed handshakes. The numbers by server name and client are those of the failed handshakes that are kept.",
);
export type HandshakeGroups = ShapeOf<typeof HandshakeGroupsSchema>;
