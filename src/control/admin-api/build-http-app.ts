import type { Socket } from "node:net";
import {
  fastify,
  type FastifyError,
  type FastifyInstance,
  type FastifyReply,
  type FastifyRequest,
} from "fastify";
import { DirectorError, FAILURES } from "#model/failure.ts";
import type { Logger } from "#control/telemetry/log.ts";
import { boundConnections } from "./bound-connections.ts";

/** An import of node:http would read all of its exports. Some load Node's fetch, which takes 0.08 s of processor time. */
const { createServer, STATUS_CODES } = process.getBuiltinModule("node:http");

/** At this number, a new connection closes another one (`boundConnections`). */
const MAX_CONNECTIONS = 64;
const METHODS = ["GET", "HEAD", "POST"] as const;
const MAX_BODY_BYTES = 64 * 1024;
const REQUEST_DEADLINE_MS = 10_000;
const REPLY_DEADLINE_MS = 10_000;
const IDLE_DEADLINE_MS = 30_000;
/** How often Node looks for requests past their deadline. Its default is 30 s. */
const DEADLINE_CHECK_MS = 1_000;

/** Builds an HTTP server without routes, with deadlines and bounds. It replies failures in the shape of the catalogue. */
export function buildHttpApp(log: Logger): FastifyInstance {
  const app = fastify({
    logger: false,
    forceCloseConnections: true,
    bodyLimit: MAX_BODY_BYTES,
    // Called once for each address, because a host name may have two.
    serverFactory: (handle) => {
      const server = createServer(
        {
          requestTimeout: REQUEST_DEADLINE_MS,
          headersTimeout: REQUEST_DEADLINE_MS,
          connectionsCheckingInterval: DEADLINE_CHECK_MS,
          keepAliveTimeout: IDLE_DEADLINE_MS,
        },
        handle,
      );
      // Also ends a connection if the client does not read the reply. No other deadline covers this.
      server.setTimeout(IDLE_DEADLINE_MS);
      boundConnections(server, MAX_CONNECTIONS);
      return server;
    },
    handlerTimeout: REPLY_DEADLINE_MS,
    routerOptions: { ignoreTrailingSlash: true },
    // Unknown keys of a request are refused. By default, fastify removes them silently. The schemas of routes are not checked
    // at each start, because compiling the schema of schemas would take a tenth of the start.
    ajv: { customOptions: { removeAdditional: false, validateSchema: false } },
    frameworkErrors: (error: FastifyError, _request: FastifyRequest, reply: FastifyReply) => {
      const failure = requestFailureOf(error);
      void reply.code(FAILURES[failure.code].status).send(failure.toShape());
    },
    clientErrorHandler: refuseConnection,
  });
  app.setErrorHandler<FastifyError | DirectorError>((error, request, reply) => {
    const failure = requestFailureOf(error);
    if (failure.code === "internal") {
      log.error({ event: "request-failed", url: request.url, err: error }, "A request failed.");
    }
    return reply.code(FAILURES[failure.code].status).send(failure.toShape());
  });
  app.setNotFoundHandler((request, reply) => {
    const [url = ""] = request.url.split("?");
    const allowed = METHODS.filter((method) => app.hasRoute({ method, url }));
    const code = allowed.length === 0 ? "not-found" : "method-not-allowed";
    if (allowed.length > 0) void reply.header("allow", allowed.join(", "));
    const failure = new DirectorError(code, `No route matches ${request.method} ${request.url}.`);
    return reply.code(FAILURES[code].status).send(failure.toShape());
  });
  return app;
}

/** Answers a request that cannot be read or is not complete in time, and closes the connection. */
function refuseConnection(error: NodeJS.ErrnoException, socket: Socket): void {
  if (error.code === "ECONNRESET" || !socket.writable) {
    socket.destroy();
    return;
  }
  const isLate = error.code === "ERR_HTTP_REQUEST_TIMEOUT";
  const status = isLate ? 408 : FAILURES["bad-request"].status;
  const detail = isLate ? "It did not arrive in time." : "It is not valid HTTP.";
  const body = JSON.stringify(new DirectorError("bad-request", detail).toShape());
  socket.write(
    `HTTP/1.1 ${status} ${STATUS_CODES[status]}\r\nContent-Type: application/json; charset=utf-8\r\n` +
      `Content-Length: ${Buffer.byteLength(body)}\r\nConnection: close\r\n\r\n${body}`,
  );
  socket.destroySoon();
}

/** An error with a status below 500 is caused by the request. Any other is an internal error, and its text is only logged. */
function requestFailureOf(error: FastifyError | DirectorError): DirectorError {
  if (error instanceof DirectorError) return error;
  const isRefusal = error.statusCode !== undefined && error.statusCode < 500;
  return isRefusal
    ? new DirectorError("bad-request", error.message, { cause: error })
    : new DirectorError("internal", undefined, { cause: error });
}
