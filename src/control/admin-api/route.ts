import type { FastifyRequest, FastifySchema } from "fastify";
import type { Static, TSchema } from "typebox";
import { Errors } from "typebox/value";
import { FailureReplySchema } from "#model/failure-schema.ts";
import { DirectorError } from "#model/failure.ts";

/** The body of a request. The routes check it themselves, because their problems have paths and hints. */
export interface BodyDescription {
  readonly schema: TSchema;
  /** Media type. */
  readonly type: string;
  readonly example: unknown;
  /** Whether the request may have no body. */
  readonly isOptional?: boolean;
}

export interface RouteDescription {
  /** Name of the operation in the OpenAPI document. */
  readonly operationId: string;
  readonly tags: readonly string[];
  readonly summary: string;
  readonly querystring?: TSchema;
  readonly params?: TSchema;
  readonly headers?: TSchema;
  readonly body?: BodyDescription;
  /** The body of the reply with status 200. */
  readonly reply: TSchema;
  /** Whether the reply may have status 201 instead. */
  readonly isCreating?: boolean;
}

declare module "fastify" {
  interface FastifyContextConfig {
    /** Described in the OpenAPI document. */
    readonly body?: BodyDescription;
  }
}

/** Returns the options by which fastify checks a request, serializes the reply and describes the route. */
export function route({
  operationId,
  tags,
  summary,
  querystring,
  params,
  headers,
  body,
  reply,
  isCreating = false,
}: RouteDescription): {
  readonly schema: FastifySchema;
  readonly config: { readonly body?: BodyDescription };
} {
  return {
    schema: {
      operationId,
      tags: [...tags],
      summary,
      ...(querystring === undefined ? {} : { querystring }),
      ...(params === undefined ? {} : { params }),
      ...(headers === undefined ? {} : { headers }),
      response: {
        200: reply,
        ...(isCreating ? { 201: reply } : {}),
        "4xx": FailureReplySchema,
        "5xx": FailureReplySchema,
      },
    } as FastifySchema,
    config: body === undefined ? {} : { body },
  };
}

/** Throws `unsupported-media-type` unless the body has the media type. */
export function requireType({ headers }: FastifyRequest, type: string): void {
  const [given = ""] = (headers["content-type"] ?? "").split(";");
  if (given.trim().toLowerCase() === type) return;
  throw new DirectorError("unsupported-media-type", `This request needs Content-Type: ${type}.`);
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
