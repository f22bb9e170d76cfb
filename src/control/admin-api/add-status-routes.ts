import type { FastifyInstance } from "fastify";
import Type from "typebox";
import { HandshakeRecordSchema, type HandshakeRecord } from "#model/records/handshake-record.ts";
import { HANDSHAKE_FAILURES } from "#model/records/outcome.ts";
import { DirectorStatusSchema, WorkerStatusSchema } from "#model/records/status.ts";
import { shape, text, type ShapeOf } from "#model/shape.ts";
import type { DirectorView } from "#control/director-view.ts";
import { route } from "./route.ts";

const HandshakesQuery = Type.Object(
  {
    failed: Type.Optional(
      Type.String({
        description:
          "Only failed handshakes. This is the default, because successful ones are not kept.",
      }),
    ),
    limit: Type.Integer({
      minimum: 1,
      maximum: 1_000,
      default: 100,
      description: "How many handshakes to return. The newest come first.",
    }),
  },
  { additionalProperties: false },
);

const ExplainedHandshakeSchema = shape(
  { ...HandshakeRecordSchema.properties, hint: text("An explanation of the cause.") },
  "A failed handshake and its cause. Texts that the client sent are not escaped. Escape them before you display them.",
);

/** A failed handshake with an explanation of its cause. */
export type ExplainedHandshake = ShapeOf<typeof ExplainedHandshakeSchema>;

const explain = (record: HandshakeRecord): ExplainedHandshake => ({
  ...record,
  hint: HANDSHAKE_FAILURES[record.failure],
});

/** The routes by which an operator reads the state of a running director. Lists are JSON arrays. */
export function addStatusRoutes(app: FastifyInstance, view: DirectorView): void {
  app.get(
    "/v1/status",
    route({
      operationId: "getStatus",
      tags: ["state"],
      summary: "Read the state of the director",
      reply: DirectorStatusSchema,
    }),
    () => view.status(),
  );
  app.get(
    "/v1/workers",
    route({
      operationId: "listWorkers",
      tags: ["state"],
      summary: "List the workers",
      reply: Type.Array(WorkerStatusSchema),
    }),
    () => view.workers(),
  );
  app.get<{ Querystring: Type.Static<typeof HandshakesQuery> }>(
    "/v1/handshakes",
    route({
      operationId: "listHandshakes",
      tags: ["state"],
      summary: "List failed handshakes, the newest first",
      querystring: HandshakesQuery,
      reply: Type.Array(ExplainedHandshakeSchema),
    }),
    ({ query }): readonly ExplainedHandshake[] => view.handshakes(query.limit).map(explain),
  );
}
