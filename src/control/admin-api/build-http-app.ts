import {
  fastify,
  type FastifyError,
  type FastifyInstance,
  type FastifyReply,
  type FastifyRequest,
} from "fastify";
import { DirectorError, FAILURES } from "#model/failure.ts";
import type { Logger } from "#control/telemetry/log.ts";

const MAX_CONNECTIONS = 64;
const MAX_BODY_BYTES = 64 * 1024;
const REQUEST_DEADLINE_MS = 10_000;
const REPLY_DEADLINE_MS = 10_000;
const IDLE_DEADLINE_MS = 30_000;

/** An HTTP server without routes: deadlines, bounds, and failures in the shape of the catalogue. */
export function buildHttpApp(log: Logger): FastifyInstance {
  const app = fastify({
    logger: false,
    forceCloseConnections: true,
    bodyLimit: MAX_BODY_BYTES,
    requestTimeout: REQUEST_DEADLINE_MS,
    handlerTimeout: REPLY_DEADLINE_MS,
    keepAliveTimeout: IDLE_DEADLINE_MS,
    routerOptions: { ignoreTrailingSlash: true },
    frameworkErrors: (error: FastifyError, _request: FastifyRequest, reply: FastifyReply) => {
      const failure = failureOf(error);
      void reply.code(FAILURES[failure.code].status).send(failure.toShape());
    },
  });
  app.server.maxConnections = MAX_CONNECTIONS;
  app.setErrorHandler<FastifyError | DirectorError>((error, request, reply) => {
    const failure = failureOf(error);
    if (failure.code === "internal") {
      log.error({ event: "request-failed", url: request.url, err: error }, "A request failed.");
    }
    return reply.code(FAILURES[failure.code].status).send(failure.toShape());
  });
  app.setNotFoundHandler((request, reply) => {
    const failure = new DirectorError(
      "not-found",
      `Nothing answers ${request.method} ${request.url}.`,
    );
    return reply.code(FAILURES[failure.code].status).send(failure.toShape());
  });
  return app;
}

/** What the framework refuses is the request's fault; anything else unknown is ours and its words stay in the log. */
function failureOf(error: FastifyError | DirectorError): DirectorError {
  if (error instanceof DirectorError) return error;
  const isRefusal = error.statusCode !== undefined && error.statusCode < 500;
  return isRefusal
    ? new DirectorError("bad-request", error.message, { cause: error })
    : new DirectorError("internal", undefined, { cause: error });
}
