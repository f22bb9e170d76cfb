import type { FastifyInstance } from "fastify";
import Type from "typebox";
import { mergePatch } from "#model/document/merge-patch.ts";
import {
  RESOURCE_KINDS,
  resourceOf,
  withResource,
  type ResourceKind,
} from "#model/document/resources.ts";
import { DirectorError } from "#model/failure.ts";
import { isJsonMap, type Json } from "#model/json.ts";
import { quoted } from "#model/problem.ts";
import { ChangeReplySchema } from "#model/records/change-reply.ts";
import type { StateInForce } from "#control/change/change.ts";
import { CHANGE_ROUTE, type ChangeApi } from "./change-api.ts";
import { ChangeHeaders, ChangeQuery } from "./change-terms.ts";
import {
  refuseCutOfServed,
  resourceQueryOf,
  termOfResource,
  type ResourceQuery,
} from "./cut-terms.ts";
import { JSON_TYPE, MERGE_PATCH_TYPE } from "./parse-body.ts";
import { isUnchanged, ReadHeaders, ReadQuery } from "./read-terms.ts";
import { absentResource, KINDS, operationOf } from "./resource-kinds.ts";
import { bodyOf, route } from "./route.ts";

interface Named {
  readonly name: string;
}

/** The routes by which one named part of the document is read and changed. */
export function addResourceRoutes(app: FastifyInstance, api: ChangeApi): void {
  for (const kind of RESOURCE_KINDS) addRoutesOf(app, api, kind);
}

function addRoutesOf(app: FastifyInstance, api: ChangeApi, kind: ResourceKind): void {
  const { noun, schema, example, patch, nameExample } = KINDS[kind];
  const { shown } = api.parts;
  const path = `/v1/${kind}/:name`;
  const params = Type.Object({
    name: Type.String({ description: `Name of the ${noun}.`, examples: [nameExample] }),
  });

  app.get<{ Params: Named; Querystring: ReadQuery }>(
    path,
    route({
      operationId: operationOf("get", noun),
      tags: [kind],
      summary: `Read one ${noun} as it is written in the document`,
      params,
      querystring: ReadQuery,
      headers: ReadHeaders,
      reply: Type.Unknown({ description: `The ${noun} as written, without defaults.` }),
      replyShape: schema,
    }),
    (request, reply) => {
      const { name } = request.params;
      const inForce = api.inForce();
      const { written } = inForce;
      const found = shown.resource(written, kind, name);
      if (found === undefined) throw absentResource(kind, name);
      void reply.header("etag", found.tag);
      if (isUnchanged(request, found.tag, api.documentTag(inForce))) return reply.code(304).send();
      if (!request.query.effective) return found.value;
      return resourceOf(shown.effective(written), kind, name);
    },
  );

  app.put<{ Params: Named; Querystring: ResourceQuery }>(
    path,
    {
      ...route({
        operationId: operationOf("put", noun),
        tags: [kind],
        summary: `Add or replace one ${noun}`,
        params,
        querystring: resourceQueryOf(kind),
        headers: ChangeHeaders,
        body: { schema, type: JSON_TYPE, example },
        reply: ChangeReplySchema,
        isCreating: true,
      }),
      ...CHANGE_ROUTE,
    },
    async (request, reply) => {
      const value = bodyOf(request, JSON_TYPE);
      const { name } = request.params;
      const cut = termOfResource(kind, name, request.query);
      let isNew = false;
      const want = api.editOf(({ written }) => {
        refuseCutOfServed(cut, value);
        isNew = resourceOf(written, kind, name) === undefined;
        return withValue(written, kind, name, value);
      });
      const tagsOf = api.tagsOfResource(kind, name);
      const body = await api.run(request, reply, want, { tagsOf, cut });
      if (isNew && !body.dryRun) void reply.code(201).header("location", locationOf(kind, name));
      return body;
    },
  );

  app.patch<{ Params: Named; Querystring: ResourceQuery }>(
    path,
    {
      ...route({
        operationId: operationOf("patch", noun),
        tags: [kind],
        summary: `Change parts of one ${noun} by a JSON merge patch (RFC 7396)`,
        params,
        querystring: resourceQueryOf(kind),
        headers: ChangeHeaders,
        body: {
          schema: Type.Unknown({ description: "A merge patch. null removes, and lists replace." }),
          type: MERGE_PATCH_TYPE,
          example: patch,
        },
        reply: ChangeReplySchema,
      }),
      ...CHANGE_ROUTE,
    },
    (request, reply) => {
      const change = bodyOf(request, MERGE_PATCH_TYPE);
      const { name } = request.params;
      const cut = termOfResource(kind, name, request.query);
      const want = api.editOf(({ written }) => {
        const current = resourceOf(written, kind, name);
        if (current === undefined) throw absentResource(kind, name);
        const changed = mergePatch(current, change);
        refuseCutOfServed(cut, changed);
        return withValue(written, kind, name, changed);
      });
      return api.run(request, reply, want, { tagsOf: api.tagsOfResource(kind, name), cut });
    },
  );

  app.delete<{ Params: Named; Querystring: ChangeQuery }>(
    path,
    {
      ...route({
        operationId: operationOf("delete", noun),
        tags: [kind],
        summary: `Remove one ${noun}`,
        params,
        querystring: ChangeQuery,
        headers: ChangeHeaders,
        reply: ChangeReplySchema,
      }),
      ...CHANGE_ROUTE,
    },
    (request, reply) => {
      const { name } = request.params;
      const want = api.editOf(({ written }) => {
        if (resourceOf(written, kind, name) === undefined) throw absentResource(kind, name);
        return withResource(written, kind, name, undefined);
      });
      return api.run(request, reply, want, { tagsOf: api.tagsOfResource(kind, name) });
    },
  );
}

const PORT = /:([1-9]\d{0,4})$/;

/** A listener without a port gets the one in its name. Throws `bad-request` if its name has none, and `not-found` if the owner of the resource does not exist. */
function withValue(
  written: StateInForce["written"],
  kind: ResourceKind,
  name: string,
  value: Json,
): unknown {
  const edited = withResource(written, kind, name, portedOf(kind, name, value));
  if (edited !== undefined) return edited;
  const owner = kind === "listeners" ? "vNIC" : "profile";
  throw new DirectorError(
    "not-found",
    `The document has no ${owner} for the ${KINDS[kind].noun} ${quoted(name)}.`,
  );
}

function portedOf(kind: ResourceKind, name: string, value: Json): Json {
  if (kind !== "listeners") return value;
  const [, digits] = PORT.exec(name) ?? [];
  if (digits === undefined) {
    const detail = `The name of a listener is \`<vnic>.<profile>:<port>\`, which ${quoted(name)} is not.`;
    throw new DirectorError("bad-request", detail);
  }
  if (!isJsonMap(value)) return value;
  const port = Number(digits);
  const given = value["port"];
  if (given === undefined) return { port, ...value };
  if (given === port) return value;
  throw new DirectorError(
    "bad-request",
    `The body has port ${quoted(given)}, and the name of the listener has port ${port}.`,
  );
}

const locationOf = (kind: ResourceKind, name: string): string =>
  `/v1/${kind}/${encodeURIComponent(name)}`;
