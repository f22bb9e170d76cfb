import { fastify, type FastifyContextConfig, type FastifySchema, type RouteOptions } from "fastify";
import type { TSchema } from "typebox";
import { FailureReplySchema } from "#model/failure-schema.ts";
import { JSON_TYPE } from "../parse-body.ts";
import { NAMED_SCHEMAS } from "./named-schemas.ts";
import { OpenApiSchemas } from "./openapi-schema.ts";
import type { OpenApi, Operation, Parameter, RequestBody } from "./openapi.ts";

const PROBLEM_TYPE = "application/problem+json";

const DESCRIPTION = [
  "The admin API of a TLS Director, on its unix socket `tlsd.sock`. Whoever can open the socket may do everything.",
  "A change is checked whole before it is made. One that has a problem changes nothing.",
  "A failed request is answered with problem details (RFC 9457), whose `code` is one of the failures at the end of `/docs`.",
  "Secrets are shown as fingerprints. A fingerprint that is sent back keeps the secret.",
].join(" ");

const TAGS = {
  document: "The whole configuration.",
  servers: "Attached hosts.",
  profiles: "Server profiles: sets of vNICs that live on servers.",
  vnics: "Virtual NICs, named `<vnic>.<profile>`.",
  listeners: "Ports of vNICs, named `<vnic>.<profile>:<port>`.",
  certificates: "Certificates by name.",
  policies: "TLS policies by name.",
  history: "Earlier revisions of the document, and the undo.",
  state: "What the director and its workers do.",
  connections: "Open connections of clients.",
  handshakes: "Failed handshakes of clients.",
  log: "The log.",
  probes: "Probes and metrics, which `director.observe` serves too.",
  reference: "This reference.",
};

/** Describes the routes by an OpenAPI 3.1 document. HEAD is left out, because every resource that has GET has it. */
export async function buildOpenApi(
  routes: readonly RouteOptions[],
  version: string,
): Promise<OpenApi> {
  const { fastifySwagger } = await import("@fastify/swagger");
  const schemas = new OpenApiSchemas(NAMED_SCHEMAS);
  // The plugin describes an instance of its own, so that a start of the director need not load it.
  const described = fastify({ exposeHeadRoutes: false });
  described.setValidatorCompiler(() => () => true);
  described.setSerializerCompiler(() => String);
  await described.register(fastifySwagger, {
    openapi: {
      openapi: "3.1.0",
      info: { title: "TLS Director", version, description: DESCRIPTION, license: { name: "MIT" } },
      servers: [{ url: "http://localhost", description: "Any host name will do." }],
      tags: Object.entries(TAGS).map(([name, description]) => ({ name, description })),
    },
    convertConstToEnum: false,
    transform: ({ schema, url }) => ({ url, schema: withoutBodies(schema, schemas) }),
  });
  const operations = routes.filter(({ method }) => method !== "HEAD");
  for (const { method, url, schema = {}, config = {} } of operations) {
    described.route({ method, url, schema, config, handler: () => undefined });
  }
  await described.ready();
  const openApi = described.swagger() as unknown as OpenApi;
  await described.close();
  const paths = Object.fromEntries(
    Object.entries(openApi.paths).map(([path, methods]) => [
      path,
      Object.fromEntries(
        Object.entries(methods).map(([method, operation]) => {
          const route = operations.find(
            (one) =>
              String(one.method).toLowerCase() === method &&
              one.url.replaceAll(/:(\w+)/g, "{$1}") === path,
          );
          return [method, completed(operation, route, schemas)];
        }),
      ),
    ]),
  );
  return { ...openApi, paths, components: { schemas: schemas.components() } };
}

/** Leaves parameters to the plugin, with schemas in the form of OpenAPI. */
function withoutBodies(schema: FastifySchema, schemas: OpenApiSchemas): FastifySchema {
  const { body: _, response: __, ...rest } = schema;
  const { querystring, params, headers } = schema;
  return {
    ...rest,
    ...(querystring === undefined ? {} : { querystring: schemas.schemaOf(querystring as TSchema) }),
    ...(params === undefined ? {} : { params: schemas.schemaOf(params as TSchema) }),
    ...(headers === undefined ? {} : { headers: schemas.schemaOf(headers as TSchema) }),
  };
}

/** Adds the bodies of a request and its replies. */
function completed(
  operation: Operation,
  route: RouteOptions | undefined,
  schemas: OpenApiSchemas,
): Operation {
  const { schema = {}, config = {} } = route ?? {};
  const requestBody = tryRequestBody(schema, config, schemas);
  const { parameters } = operation;
  const isRead = route?.method === "GET" && parameters?.some(({ name }) => name === NONE_MATCH);
  return {
    ...operation,
    ...(parameters === undefined ? {} : { parameters: parameters.map(conditioned(config)) }),
    ...(requestBody === undefined ? {} : { requestBody }),
    responses: {
      ...responsesOf(schema, config, schemas),
      ...(isRead === true ? { "304": { description: "What the client has is current." } } : {}),
    },
  };
}

const MATCH = "if-match";
const NONE_MATCH = "if-none-match";

const conditioned =
  ({ needsCondition }: FastifyContextConfig) =>
  (parameter: Parameter): Parameter =>
    needsCondition === true && parameter.name === MATCH
      ? { ...parameter, required: true, example: "*" }
      : parameter;

function tryRequestBody(
  schema: FastifySchema,
  { body }: FastifyContextConfig,
  schemas: OpenApiSchemas,
): RequestBody | undefined {
  if (body !== undefined) {
    const { type, example, isOptional = false } = body;
    const content = { [type]: { schema: schemas.schemaOf(body.schema), example } };
    return { required: !isOptional, content };
  }
  if (schema.body === undefined) return undefined;
  const content = { [JSON_TYPE]: { schema: schemas.schemaOf(schema.body as TSchema) } };
  return { required: true, content };
}

function responsesOf(
  schema: FastifySchema,
  { replyShape, replyType = JSON_TYPE }: FastifyContextConfig,
  schemas: OpenApiSchemas,
): Operation["responses"] {
  const failure = {
    description: "A failure as problem details (RFC 9457).",
    content: { [PROBLEM_TYPE]: { schema: schemas.schemaOf(FailureReplySchema) } },
  };
  const replies = Object.entries((schema.response ?? { 200: {} }) as Record<string, TSchema>);
  const found = replies
    .filter(([status]) => status.startsWith("2"))
    .map(([status, reply]) => {
      const { description = "The reply." } = (replyShape ?? reply) as { description?: string };
      const content = { [replyType]: { schema: schemas.schemaOf(replyShape ?? reply) } };
      return [status, { description, content }] as const;
    });
  return { ...Object.fromEntries(found), "4XX": failure, "5XX": failure };
}
