import type { FastifyInstance } from "fastify";
import Type from "typebox";
import { ChangeReplySchema } from "#model/records/change-reply.ts";
import { CHANGE_ROUTE, type ChangeApi } from "./change-api.ts";
import { ChangeHeaders, ChangeQuery } from "./change-terms.ts";
import { route } from "./route.ts";

const ReloadQuery = Type.Object(
  {
    ...ChangeQuery.properties,
    force: Type.Boolean({
      default: false,
      description: "Apply the file even if the document has changes that the file does not have.",
    }),
  },
  { additionalProperties: false },
);

/** The route that does what SIGHUP does. */
export function addReloadRoute(app: FastifyInstance, api: ChangeApi): void {
  app.post<{ Querystring: Type.Static<typeof ReloadQuery> }>(
    "/v1/reload",
    {
      ...route({
        operationId: "reload",
        tags: ["document"],
        summary: "Read the file of the document again and apply the differences",
        querystring: ReloadQuery,
        headers: ChangeHeaders,
        reply: ChangeReplySchema,
      }),
      ...CHANGE_ROUTE,
    },
    (request, reply) => {
      const want = api.parts.wants.file(request.query.force);
      return api.run(request, reply, want, { origin: "file" });
    },
  );
}
