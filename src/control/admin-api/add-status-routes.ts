import type { FastifyInstance } from "fastify";
import Type, { type TSchema } from "typebox";
import { FailureSchema } from "#model/failure-schema.ts";
import { HandshakeRecordSchema, type HandshakeRecord } from "#model/records/handshake-record.ts";
import { HANDSHAKE_FAILURES } from "#model/records/outcome.ts";
import {
  CertificateStatusSchema,
  DirectorStatusSchema,
  ListenerStatusSchema,
  VnicStatusSchema,
  WorkerStatusSchema,
} from "#model/records/status.ts";
import { shape, text, type ShapeOf } from "#model/shape.ts";
import type { DirectorView } from "#control/director-view.ts";

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

const reply = (schema: TSchema) => ({
  response: { 200: schema, "4xx": FailureSchema, "5xx": FailureSchema },
});

/** The routes by which an operator reads the state of a running director. Lists are JSON arrays. */
export function addStatusRoutes(app: FastifyInstance, view: DirectorView): void {
  const get = <Schema extends TSchema>(
    path: string,
    schema: Schema,
    handle: () => ShapeOf<Schema>,
  ): void => {
    app.get(path, { schema: reply(schema) }, handle);
  };
  get("/v1/status", DirectorStatusSchema, () => view.status());
  get("/v1/workers", Type.Array(WorkerStatusSchema), () => view.workers());
  get("/v1/vnics", Type.Array(VnicStatusSchema), () => view.vnics());
  get("/v1/listeners", Type.Array(ListenerStatusSchema), () =>
    view.vnics().flatMap(({ listeners }) => listeners),
  );
  get("/v1/certificates", Type.Array(CertificateStatusSchema), () => view.status().certificates);
  app.get<{ Querystring: Type.Static<typeof HandshakesQuery> }>(
    "/v1/handshakes",
    {
      schema: { querystring: HandshakesQuery, ...reply(Type.Array(ExplainedHandshakeSchema)) },
    },
    ({ query }): readonly ExplainedHandshake[] => view.handshakes(query.limit).map(explain),
  );
}
