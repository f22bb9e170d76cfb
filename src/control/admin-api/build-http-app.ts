import type { IncomingMessage } from "node:http";
import type { Socket } from "node:net";
import {
  fastify,
  type FastifyError,
  type FastifyInstance,
  type FastifyReply,
  type FastifyRequest,
} from "fastify";
import { FAILURES } from "#model/failure-catalog.ts";
import { DirectorError, type FailureCode, type FailureReply } from "#model/failure.ts";
import { quoted } from "#model/problem.ts";
import type { Logger } from "#control/telemetry/log.ts";
import { boundBodies } from "./bound-bodies.ts";
import { boundConnections } from "./bound-connections.ts";
import { COMPILE_ON_USE } from "./compile-on-use.ts";
import { takeTurns } from "./take-turns.ts";
import { MERGE_PATCH_TYPE, parseBodies, type ReadLargeBody } from "./parse-body.ts";
import { listRoutes, type RouteList } from "./route-list.ts";

/** An import of node:http would read all of its exports. Some load Node's fetch, which takes 0.08 s of processor time. */
const { createServer, STATUS_CODES } = process.getBuiltinModule("node:http");

/**
 * The budgets of connections by what they ask for. At this number, a new connection closes another one of the same kind
 * (`boundConnections`). Those that have not asked yet have a budget of their own.
 */
const MAX_CONNECTIONS = { new: 256, probe: 32, long: 32, api: 256 } as const;

/** Requests that take long, because they wait for workers or send the whole state. */
const LONG_READS = /^\/v1\/(connections|backup)\b/;
const PROBES = /^\/(healthz|readyz|metrics)\b/;

function kindOfRequest({ url = "", method }: IncomingMessage): "probe" | "long" | "api" {
  if (PROBES.test(url)) return "probe";
  return method === "GET" && LONG_READS.test(url) ? "long" : "api";
}

const MAX_BODY_BYTES = 1024 * 1024;
const MAX_BODY_BYTES_IN_ALL = 64 * 1024 * 1024;
/** A certificate name has at most 253 characters, each of which may be percent-encoded. */
const MAX_PARAM_LENGTH = 1_024;
const REQUEST_DEADLINE_MS = 10_000;
const REPLY_DEADLINE_MS = 10_000;
const IDLE_DEADLINE_MS = 30_000;
/** How often Node looks for requests past their deadline. Its default is 30 s. */
const DEADLINE_CHECK_MS = 1_000;

export interface HttpApp {
  readonly app: FastifyInstance;
  /** Every route that is added to `app`. */
  readonly list: RouteList;
}

/**
 * Builds an HTTP server without routes, with deadlines and bounds. It replies failures in the shape of the catalogue. Without
 * `readLargeBody`, it accepts no bodies.
 */
export function buildHttpApp(log: Logger, readLargeBody?: ReadLargeBody): HttpApp {
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
      boundConnections(server, MAX_CONNECTIONS, kindOfRequest);
      return server;
    },
    handlerTimeout: REPLY_DEADLINE_MS,
    routerOptions: { ignoreTrailingSlash: true, maxParamLength: MAX_PARAM_LENGTH },
    // Unknown keys of a request are refused. By default, fastify removes them silently. The schemas of routes are not checked
    // at each start, because compiling the schema of schemas would take a tenth of the start.
    ajv: { customOptions: { removeAdditional: false, validateSchema: false } },
    schemaController: { compilersFactory: COMPILE_ON_USE },
    frameworkErrors: (error: FastifyError, _request: FastifyRequest, reply: FastifyReply) => {
      void sendFailure(reply, requestFailureOf(error));
    },
    clientErrorHandler: refuseConnection,
  });
  app.setErrorHandler<FastifyError | DirectorError>((error, request, reply) => {
    const failure = requestFailureOf(error);
    if (failure.code === "internal") {
      log.error({ event: "request-failed", url: request.url, err: error }, "A request failed.");
    }
    return sendFailure(reply, failure);
  });
  const list = listRoutes(app);
  app.setNotFoundHandler((request, reply) => {
    const { method, url } = request;
    const [path = ""] = url.split("?");
    const methods = list.methodsOf(path);
    if (methods.length > 0) void reply.header("allow", [...methods, "OPTIONS"].join(", "));
    if (methods.includes("PATCH")) void reply.header("accept-patch", MERGE_PATCH_TYPE);
    if (method === "OPTIONS" && (methods.length > 0 || url === "*")) return reply.code(204).send();
    const code = methods.length === 0 ? "not-found" : "method-not-allowed";
    return sendFailure(
      reply,
      new DirectorError(code, `No route matches ${method} ${quoted(path)}.`),
    );
  });
  // Whatever a reply says is so only at this moment.
  app.addHook("onRequest", (_request, reply, done) => {
    void reply.header("cache-control", "no-store");
    done();
  });
  takeTurns(app, ({ raw }) => kindOfRequest(raw) === "probe");
  if (readLargeBody === undefined) app.removeAllContentTypeParsers();
  else {
    boundBodies(app, MAX_BODY_BYTES_IN_ALL);
    parseBodies(app, readLargeBody);
  }
  return { app, list };
}

const PROBLEM_TYPE = "application/problem+json";
/** When a client may try again after `too-many-changes`. */
const RETRY_AFTER_S = 1;

/** Failures by the code of an error of fastify. */
const FAILURE_OF_CODE: Readonly<Record<string, FailureCode>> = {
  FST_ERR_CTP_BODY_TOO_LARGE: "body-too-large",
  FST_ERR_CTP_INVALID_MEDIA_TYPE: "unsupported-media-type",
  FST_ERR_HANDLER_TIMEOUT: "reply-late",
  FST_ERR_MAX_PARAM_LENGTH: "not-found",
};

function sendFailure(reply: FastifyReply, failure: DirectorError): FastifyReply {
  const { status } = FAILURES[failure.code];
  if (failure.code === "too-many-changes") void reply.header("retry-after", RETRY_AFTER_S);
  if (failure.tag !== undefined) void reply.header("etag", failure.tag);
  return reply
    .code(status)
    .type(PROBLEM_TYPE)
    .serializer(JSON.stringify)
    .send(failureReplyOf(failure, status));
}

const failureReplyOf = (failure: DirectorError, status: number): FailureReply => ({
  type: `/docs#${failure.code}`,
  title: FAILURES[failure.code].text,
  status,
  detail: failure.message,
  ...failure.toShape(),
});

/** Answers a request that cannot be read or is not complete in time, and closes the connection. */
function refuseConnection(error: NodeJS.ErrnoException, socket: Socket): void {
  if (error.code === "ECONNRESET" || !socket.writable) {
    socket.destroy();
    return;
  }
  const isLate = error.code === "ERR_HTTP_REQUEST_TIMEOUT";
  const status = isLate ? 408 : FAILURES["bad-request"].status;
  const detail = isLate ? "It did not arrive in time." : "It is not valid HTTP.";
  const body = JSON.stringify(failureReplyOf(new DirectorError("bad-request", detail), status));
  socket.write(
    `HTTP/1.1 ${status} ${STATUS_CODES[status]}\r\nContent-Type: ${PROBLEM_TYPE}\r\n` +
      `Content-Length: ${Buffer.byteLength(body)}\r\nConnection: close\r\n\r\n${body}`,
  );
  socket.destroySoon();
}

/** An error with a status below 500 is caused by the request. Any other is an internal error, and its text is only logged. */
function requestFailureOf(error: FastifyError | DirectorError): DirectorError {
  if (error instanceof DirectorError) return error;
  const known = FAILURE_OF_CODE[error.code];
  if (known !== undefined) return new DirectorError(known, undefined, { cause: error });
  const isRefusal = error.statusCode !== undefined && error.statusCode < 500;
  return isRefusal
    ? new DirectorError("bad-request", error.message, { cause: error })
    : new DirectorError("internal", undefined, { cause: error });
}
