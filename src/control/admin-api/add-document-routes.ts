import type { FastifyInstance } from "fastify";
import Type from "typebox";
import { MAX_DOCUMENT_BYTES } from "#model/document/document-size.ts";
import { DocumentSchema } from "#model/document/document.ts";
import { mergePatch } from "#model/document/merge-patch.ts";
import type { Json } from "#model/json.ts";
import { ChangeReplySchema } from "#model/records/change-reply.ts";
import { CHANGE_ROUTE, type ChangeApi } from "./change-api.ts";
import { ChangeHeaders, ChangeQuery } from "./change-terms.ts";
import { JSON_TYPE, MERGE_PATCH_TYPE } from "./parse-body.ts";
import { isUnchanged, ReadHeaders, ReadQuery } from "./read-terms.ts";
import { bodyOf, route } from "./route.ts";

const ShownDocumentSchema = Type.Unknown({
  description:
    "The document as written, without defaults and without the settings under `director`.",
});

const { director: _, ...sections } = DocumentSchema.properties;
/** The document without the settings under `director`, which cannot be set over the API. */
export const WrittenDocumentSchema = Type.Object(sections, {
  additionalProperties: false,
  description: "The document without the settings under `director`.",
});

const EXAMPLE = {
  servers: { "web-1": { address: "127.0.0.1" } },
  profiles: { shop: { servers: ["web-1"] } },
};

/** The routes of the whole document. */
export function addDocumentRoutes(app: FastifyInstance, api: ChangeApi): void {
  app.get<{ Querystring: ReadQuery }>(
    "/v1/document",
    route({
      operationId: "getDocument",
      tags: ["document"],
      summary: "Read the document in force",
      querystring: ReadQuery,
      headers: ReadHeaders,
      reply: ShownDocumentSchema,
      replyShape: WrittenDocumentSchema,
    }),
    (request, reply) => {
      const inForce = api.inForce();
      const tag = api.documentTag(inForce);
      void reply.header("etag", tag);
      if (isUnchanged(request, tag)) return reply.code(304).send();
      const { shown } = api.parts;
      const { written } = inForce;
      return request.query.effective ? shown.effective(written) : shown.of(written);
    },
  );

  app.put<{ Querystring: ChangeQuery }>(
    "/v1/document",
    {
      ...route({
        operationId: "putDocument",
        needsCondition: true,
        tags: ["document"],
        summary: "Set the whole document",
        querystring: ChangeQuery,
        headers: ChangeHeaders,
        body: { schema: WrittenDocumentSchema, type: JSON_TYPE, example: EXAMPLE },
        reply: ChangeReplySchema,
      }),
      bodyLimit: MAX_DOCUMENT_BYTES,
      ...CHANGE_ROUTE,
    },
    (request, reply) => {
      const document = bodyOf(request, JSON_TYPE);
      return api.run(
        request,
        reply,
        api.editOf(() => document),
      );
    },
  );

  app.patch<{ Querystring: ChangeQuery }>(
    "/v1/document",
    {
      ...route({
        operationId: "patchDocument",
        tags: ["document"],
        summary: "Change parts of the document by a JSON merge patch (RFC 7396)",
        querystring: ChangeQuery,
        headers: ChangeHeaders,
        body: {
          schema: Type.Unknown({ description: "A merge patch. null removes, and lists replace." }),
          type: MERGE_PATCH_TYPE,
          example: { servers: { "web-2": { address: "127.0.0.2" } } },
        },
        reply: ChangeReplySchema,
      }),
      bodyLimit: MAX_DOCUMENT_BYTES,
      ...CHANGE_ROUTE,
    },
    (request, reply) => {
      const change = bodyOf(request, MERGE_PATCH_TYPE);
      const want = api.editOf(({ written }) => mergePatch(written as Json, change));
      return api.run(request, reply, want);
    },
  );
}
