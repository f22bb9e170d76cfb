import type { FastifyInstance } from "fastify";
import Type, { type TSchema } from "typebox";
import type { DirectorView } from "#control/director-view.ts";
import { ExplainedHandshakeSchema, explain } from "./handshake-schema.ts";
import {
  CertificateStatusSchema,
  DirectorStatusSchema,
  FailureSchema,
  ListenerStatusSchema,
  VnicStatusSchema,
  WorkerStatusSchema,
} from "./reply-schemas.ts";

const HandshakesQuery = Type.Object(
  {
    failed: Type.Optional(
      Type.String({
        description: "Only failed handshakes. This is the default, as no others are kept.",
      }),
    ),
    limit: Type.Integer({
      minimum: 1,
      maximum: 1_000,
      default: 100,
      description: "How many, the newest first.",
    }),
  },
  { additionalProperties: false },
);

const reply = (schema: TSchema) => ({
  response: { 200: schema, "4xx": FailureSchema, "5xx": FailureSchema },
});

/** What an operator may ask of a running director. Lists are JSON arrays. */
export function addStatusRoutes(app: FastifyInstance, view: DirectorView): void {
  app.get("/v1/status", { schema: reply(DirectorStatusSchema) }, () => view.status());
  app.get("/v1/workers", { schema: reply(Type.Array(WorkerStatusSchema)) }, () => view.workers());
  app.get("/v1/vnics", { schema: reply(Type.Array(VnicStatusSchema)) }, () => view.vnics());
  app.get("/v1/listeners", { schema: reply(Type.Array(ListenerStatusSchema)) }, () =>
    view.vnics().flatMap(({ listeners }) => listeners),
  );
  app.get(
    "/v1/certificates",
    { schema: reply(Type.Array(CertificateStatusSchema)) },
    () => view.status().certificates,
  );
  app.get<{ Querystring: Type.Static<typeof HandshakesQuery> }>(
    "/v1/handshakes",
    {
      schema: { querystring: HandshakesQuery, ...reply(Type.Array(ExplainedHandshakeSchema)) },
    },
    ({ query }) => view.handshakes(query.limit).map(explain),
  );
}
