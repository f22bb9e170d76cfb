import { Readable } from "node:stream";
import type { FastifyInstance } from "fastify";
import Type from "typebox";
import { DirectorError } from "#model/failure.ts";
import { oneOf, shape, type ShapeOf } from "#model/shape.ts";
import type { DirectorView } from "#control/director-view.ts";
import { route, textRoute } from "./route.ts";

const METRICS_MEDIA_TYPE = "text/plain; version=0.0.4; charset=utf-8";

const ProbeReplySchema = shape(
  { status: oneOf(["ok", "ready"], "`ok` if the process runs, `ready` if it serves clients.") },
  "The answer to a probe.",
);
type ProbeReply = ShapeOf<typeof ProbeReplySchema>;

/** Probes and scrapers may add a query of their own. */
const AnyQuery = Type.Object({});

const probe = (operationId: string, summary: string) =>
  route({
    operationId,
    tags: ["probes"],
    summary,
    querystring: AnyQuery,
    reply: ProbeReplySchema,
  });

/** The routes for probes and scrapers. They reply nothing that a stranger may not know. */
export function addProbeRoutes(app: FastifyInstance, view: DirectorView): void {
  app.get("/healthz", probe("getHealth", "Tell whether the process runs"), (): ProbeReply => ({
    status: "ok",
  }));
  app.get("/readyz", probe("getReadiness", "Tell whether clients are served"), (): ProbeReply => {
    if (view.isReady()) return { status: "ready" };
    throw new DirectorError(view.state() === "draining" ? "draining" : "not-ready");
  });
  let underWay: Promise<readonly Buffer[]> | undefined;
  // Requests that arrive at the same time share one reading, so that a flood of them costs no more than one does.
  const metrics = async (): Promise<readonly Buffer[]> => {
    underWay ??= view.metrics();
    try {
      return await underWay;
    } finally {
      underWay = undefined;
    }
  };
  const metricsRoute = textRoute({
    operationId: "getMetrics",
    tags: ["probes"],
    summary: "Read the metrics in the Prometheus text format",
    type: "text/plain",
  });
  app.get("/metrics", metricsRoute, async (_request, reply) => {
    const pieces = await metrics();
    const length = pieces.reduce((sum, piece) => sum + piece.length, 0);
    void reply.type(METRICS_MEDIA_TYPE).header("content-length", length);
    // The pieces are sent one after the other. Together, they may have tens of megabytes.
    return reply.send(Readable.from(pieces));
  });
}
