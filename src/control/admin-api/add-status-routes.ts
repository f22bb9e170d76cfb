import type { FastifyInstance } from "fastify";
import Type, { type TSchema } from "typebox";
import { FailureSchema } from "#model/failure-schema.ts";
import {
  CertificateStatusSchema,
  DirectorStatusSchema,
  ListenerStatusSchema,
  VnicStatusSchema,
  WorkerStatusSchema,
} from "#model/records/status.ts";
import type { ShapeOf } from "#model/shape.ts";
import type { DirectorView } from "#control/director-view.ts";

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
}
