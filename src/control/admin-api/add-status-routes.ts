import type { FastifyInstance } from "fastify";
import Type from "typebox";
import { DirectorStatusSchema, WorkerStatusSchema } from "#model/records/status.ts";
import type { DirectorView } from "#control/director-view.ts";
import { route } from "./route.ts";

/** The routes by which an operator reads the state of a running director and of its workers. */
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
}
