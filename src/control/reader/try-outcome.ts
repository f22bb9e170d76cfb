import Type, { type TSchema } from "typebox";
import { Compile } from "typebox/compile";
import {
  FaultSchema,
  RefusedSchema,
  ReplySchemas,
  UnreadableSchema,
  type Job,
  type Outcome,
} from "./jobs.ts";

const withReply = <Reply extends TSchema>(reply: Reply) =>
  Compile(
    Type.Union([
      Type.Object({ reply }, { additionalProperties: false }),
      RefusedSchema,
      UnreadableSchema,
      FaultSchema,
    ]),
  );

const checks = {
  certificate: withReply(ReplySchemas.certificate),
  import: withReply(ReplySchemas.import),
  trust: withReply(ReplySchemas.trust),
  "system-trust": withReply(ReplySchemas["system-trust"]),
  document: withReply(ReplySchemas.document),
  places: withReply(ReplySchemas.places),
  json: withReply(ReplySchemas.json),
  trial: withReply(ReplySchemas.trial),
  proof: withReply(ReplySchemas.proof),
} as const;

/** Returns undefined if no sound reader process answers a job of this kind with `head`. */
export function tryOutcome(kind: Job["kind"], head: unknown): Outcome | undefined {
  return checks[kind].Check(head) ? head : undefined;
}
