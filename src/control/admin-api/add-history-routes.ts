import type { FastifyInstance } from "fastify";
import Type from "typebox";
import { differenceByPath } from "#model/document/path-change.ts";
import type { Revision } from "#model/document/document.ts";
import type { WrittenDocument } from "#model/document/written-document.ts";
import { DirectorError } from "#model/failure.ts";
import { ChangeReplySchema, RevisionReplySchema } from "#model/records/change-reply.ts";
import { RevisionRecordSchema } from "#model/records/revision.ts";
import type { DocumentStore } from "#control/state/document-store.ts";
import { WrittenDocumentSchema } from "./add-document-routes.ts";
import { CHANGE_ROUTE, type ChangeApi } from "./change-api.ts";
import { differenceOf } from "./change-reply.ts";
import { ChangeHeaders, ChangeQuery } from "./change-terms.ts";
import { JSON_TYPE } from "./parse-body.ts";
import { ReadQuery } from "./read-terms.ts";
import { parseWith, requireType, route } from "./route.ts";

const MAX_PAGE = 128;

const HistoryQuery = Type.Object(
  {
    before: Type.Integer({
      minimum: 1,
      maximum: Number.MAX_SAFE_INTEGER,
      default: Number.MAX_SAFE_INTEGER,
      description: "Only revisions below this one, for the next page.",
    }),
    limit: Type.Integer({
      minimum: 1,
      maximum: MAX_PAGE,
      default: 20,
      description: "How many revisions to return.",
    }),
  },
  { additionalProperties: false },
);

const revisionNumber = (description: string) =>
  Type.Integer({ minimum: 1, maximum: Number.MAX_SAFE_INTEGER, description });

const RevisionParams = Type.Object({
  revision: Type.Integer({
    minimum: 1,
    maximum: Number.MAX_SAFE_INTEGER,
    description: "Number of the revision.",
    examples: [1],
  }),
});

const UndoBody = Type.Object(
  {
    revision: Type.Optional(
      revisionNumber(
        "The revision to take back. By default it is the newest change that is neither an undo nor undone. If it is itself an undo, what it took back is made again.",
      ),
    ),
    to: Type.Optional(revisionNumber("Restore the whole document of this revision instead.")),
  },
  { additionalProperties: false, description: "What to undo." },
);

/** Returns undefined if the revision is not kept any more. */
async function tryDocument(
  store: DocumentStore,
  revision: Revision,
): Promise<WrittenDocument | undefined> {
  if (revision === 0) return {};
  try {
    return (await store.revision(revision)).document;
  } catch (error) {
    if (error instanceof DirectorError && error.code === "revision-gone") return undefined;
    throw error;
  }
}

/** The routes of earlier revisions, and of the undo. */
export function addHistoryRoutes(app: FastifyInstance, api: ChangeApi): void {
  const { store, shown, wants } = api.parts;
  app.get<{ Querystring: Type.Static<typeof HistoryQuery> }>(
    "/v1/history",
    route({
      operationId: "listHistory",
      tags: ["history"],
      summary: "List revisions of the document, the newest first",
      querystring: HistoryQuery,
      reply: Type.Array(RevisionRecordSchema),
    }),
    ({ query }) => store.history(query.before, query.limit),
  );

  app.get<{ Params: Type.Static<typeof RevisionParams> }>(
    "/v1/history/:revision",
    route({
      operationId: "getRevision",
      tags: ["history"],
      summary: "Read one revision, and how it differs from its parent",
      params: RevisionParams,
      reply: RevisionReplySchema,
    }),
    async ({ params }) => {
      const { record, document } = await store.revision(params.revision);
      const before = await tryDocument(store, record.parent);
      if (before === undefined) return record;
      return { ...record, difference: differenceOf(differenceByPath(before, document), shown) };
    },
  );

  app.get<{ Params: Type.Static<typeof RevisionParams>; Querystring: ReadQuery }>(
    "/v1/history/:revision/document",
    route({
      operationId: "getRevisionDocument",
      tags: ["history"],
      summary: "Read the document of one revision",
      params: RevisionParams,
      querystring: ReadQuery,
      reply: Type.Unknown({ description: "The document as written." }),
      replyShape: WrittenDocumentSchema,
    }),
    async ({ params, query }) => {
      const { document } = await store.revision(params.revision);
      return query.effective ? shown.effective(document) : shown.of(document);
    },
  );

  app.post<{ Querystring: ChangeQuery; Body: Type.Static<typeof UndoBody> | undefined }>(
    "/v1/undo",
    {
      ...route({
        operationId: "undo",
        needsCondition: true,
        tags: ["history"],
        summary: "Take back a change, as a new revision",
        querystring: ChangeQuery,
        headers: ChangeHeaders,
        body: { schema: UndoBody, type: JSON_TYPE, example: { revision: 2 }, isOptional: true },
        reply: ChangeReplySchema,
      }),
      ...CHANGE_ROUTE,
    },
    (request, reply) => {
      if (request.body !== undefined && request.body !== null) requireType(request, JSON_TYPE);
      const target = parseWith(UndoBody, request.body ?? {});
      if (target.revision !== undefined && target.to !== undefined) {
        const detail = "Give `revision` to take back one change, or `to` to restore a document.";
        throw new DirectorError("bad-request", detail);
      }
      return api.run(request, reply, wants.undo(target));
    },
  );
}
