import { Registry } from "prom-client";
import type { FastifyInstance } from "fastify";
import { DirectorError } from "#model/failure.ts";
import type { DirectorView } from "#control/director-view.ts";

/** What a probe and a scraper need, and nothing that a stranger may not know. */
export function addProbeRoutes(app: FastifyInstance, view: DirectorView): void {
  app.get("/healthz", () => ({ status: "ok" }));
  app.get("/readyz", () => {
    if (view.isReady()) return { status: "ready" };
    throw new DirectorError(view.status().state === "draining" ? "draining" : "not-ready");
  });
  let underWay: Promise<Buffer> | undefined;
  /** A client that sends many requests at once is not worth more than one look at the metrics. */
  const metrics = async (): Promise<Buffer> => {
    underWay ??= view.metrics();
    try {
      return await underWay;
    } finally {
      underWay = undefined;
    }
  };
  app.get("/metrics", async (_request, reply) => {
    const text = await metrics();
    return reply.type(Registry.PROMETHEUS_CONTENT_TYPE).send(text);
  });
}
