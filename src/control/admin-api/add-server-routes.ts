import type { FastifyInstance } from "fastify";
import Type from "typebox";
import { FailureSchema } from "#model/failure-schema.ts";
import { ServerStatusSchema, type ServerStatus } from "#model/records/status.ts";
import type { DirectorView } from "#control/director-view.ts";

/** The route that lists the servers with their state. */
export function addServerRoutes(app: FastifyInstance, view: DirectorView): void {
  const schema = {
    operationId: "listServers",
    summary: "Servers with their state, those that are down first.",
    tags: ["servers"],
    response: { 200: Type.Array(ServerStatusSchema), "4xx": FailureSchema, "5xx": FailureSchema },
  };
  app.get("/v1/servers", { schema }, (): readonly ServerStatus[] => view.servers());
}
