import { HandshakeRecordSchema, type HandshakeRecord } from "#model/records/handshake-record.ts";
import { HANDSHAKE_FAILURES } from "#model/records/outcome.ts";
import { shape, text, type ShapeOf } from "#model/shape.ts";

export const ExplainedHandshakeSchema = shape(
  { ...HandshakeRecordSchema.properties, hint: text("The cause in words.") },
  "A failed handshake and its cause. What the client sent is as it came: escape it where it is shown.",
);

/** A failed handshake with what an operator should know of its cause. */
export type ExplainedHandshake = ShapeOf<typeof ExplainedHandshakeSchema>;

export const explain = (record: HandshakeRecord): ExplainedHandshake => ({
  ...record,
  hint: HANDSHAKE_FAILURES[record.failure],
});
