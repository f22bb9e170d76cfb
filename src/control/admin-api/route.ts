import type {
  FastifyContextConfig,
  FastifyRequest,
  FastifySchema,
  preHandlerHookHandler,
} from "fastify";
import Type, { type Static, type TSchema } from "typebox";
import { Errors } from "typebox/value";
import { DirectorError } from "#model/failure.ts";
import type { Json } from "#model/json.ts";

/** The body of a request. The routes check it themselves, because their problems have paths and hints. */
export interface BodyDescription {
  readonly schema: TSchema;
  /** Media type. */
  readonly type: string;
  readonly example: unknown;
  /** Whether the request may have no body. */
  readonly isOptional?: boolean;
  /** Whether the body holds files, and so may be larger than a document. */
  readonly holdsFiles?: boolean;
}

export interface RouteDescription {
  /** Name of the operation in the OpenAPI document. */
  readonly operationId: string;
  readonly tags: readonly string[];
  readonly summary: string;
  /** By default, the query must be empty. */
  readonly querystring?: TSchema;
  readonly params?: TSchema;
  readonly headers?: TSchema;
  readonly body?: BodyDescription;
  /** The body of the reply with status 200, by which it is serialized. */
  readonly reply: TSchema;
  /** Described in the OpenAPI document in place of `reply`. */
  readonly replyShape?: TSchema;
  /** Whether the reply may have status 201 instead. */
  readonly isCreating?: boolean;
  /** Whether a request without If-Match is refused with `precondition-required`. */
  readonly needsCondition?: boolean;
}

interface RouteOptions {
  readonly schema: FastifySchema;
  readonly config: FastifyContextConfig;
  readonly preHandler?: preHandlerHookHandler;
}

declare module "fastify" {
  interface FastifyContextConfig {
    /** Described in the OpenAPI document. */
    readonly body?: BodyDescription;
    readonly replyShape?: TSchema;
    /** Media type of the reply if it is not JSON. */
    readonly replyType?: string;
    readonly needsCondition?: boolean;
  }
}

/** Unknown keys in the query are refused, also if a route has no keys of its own. */
const NoQuery = Type.Object({}, { additionalProperties: false });

/** Returns the options by which fastify checks a request, serializes the reply and describes the route. */
export function route({
  operationId,
  tags,
  summary,
  querystring = NoQuery,
  params,
  headers,
  body,
  reply,
  replyShape,
  isCreating = false,
  needsCondition = false,
}: RouteDescription): RouteOptions {
  return {
    schema: {
      operationId,
      tags: [...tags],
      summary,
      querystring,
      ...(params === undefined ? {} : { params }),
      ...(headers === undefined ? {} : { headers }),
      response: {
        200: reply,
        ...(isCreating ? { 201: reply } : {}),
      },
    },
    config: {
      needsCondition,
      ...(body === undefined ? {} : { body }),
      ...(replyShape === undefined ? {} : { replyShape }),
    },
    ...(needsCondition ? { preHandler: requireCondition } : {}),
  };
}

const requireCondition: preHandlerHookHandler = ({ headers }, _reply, done) => {
  done(headers["if-match"] === undefined ? new DirectorError("precondition-required") : undefined);
};

/** Does the same as `route` for a reply that is not JSON. */
export function textRoute({
  operationId,
  tags,
  summary,
  type,
}: Pick<RouteDescription, "operationId" | "tags" | "summary"> & {
  /** Media type of the reply. */
  readonly type: string;
}): { readonly schema: FastifySchema; readonly config: { readonly replyType: string } } {
  return {
    schema: { operationId, tags: [...tags], summary },
    config: { replyType: type },
  };
}

/** Throws `unsupported-media-type` unless the body has the media type, in UTF-8 (RFC 8259 section 8.1). */
export function requireType({ headers }: FastifyRequest, type: string): void {
  const [given = "", ...parameters] = (headers["content-type"] ?? "")
    .split(";")
    .map((part) => part.trim().toLowerCase());
  const charset = parameters.find((parameter) => parameter.startsWith("charset="));
  const isUtf8 = charset === undefined || /^charset="?utf-?8"?$/.test(charset);
  if (given === type && isUtf8) return;
  throw new DirectorError(
    "unsupported-media-type",
    `This request needs Content-Type: ${type}, in UTF-8.`,
  );
}

/** Returns the body, which has the media type. Throws `unsupported-media-type`, or `bad-request` if there is no body. */
export function bodyOf(request: FastifyRequest, type: string): Json {
  requireType(request, type);
  const { body } = request;
  if (body !== undefined) return body as Json;
  throw new DirectorError("bad-request", "This request needs a body.");
}

/** Returns the value if it fits the schema. Throws `bad-request`, with the first place that does not. */
export function parseWith<Schema extends TSchema>(schema: Schema, value: unknown): Static<Schema> {
  const [error] = Errors(schema, value);
  if (error === undefined) return value as Static<Schema>;
  const place = error.instancePath === "" ? "The body" : error.instancePath.slice(1);
  throw new DirectorError("bad-request", `${place} ${error.message}.`, {
    path: error.instancePath,
  });
}
