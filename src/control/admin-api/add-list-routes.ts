import type { FastifyInstance } from "fastify";
import Type, { type TProperties } from "typebox";
import type { WrittenDocument } from "#model/document/written-document.ts";
import { compareNames } from "#model/document/natural-order.ts";
import {
  RESOURCE_KINDS,
  resourcesOf,
  type Resource,
  type ResourceKind,
} from "#model/document/resources.ts";
import {
  CertificateStatusSchema,
  ListenerStatusSchema,
  ProfileStatusSchema,
  ServerStatusSchema,
  VnicStatusSchema,
} from "#model/records/status.ts";
import { vnicOfListener, type ListenerName } from "#model/names.ts";
import { Remembered } from "#model/remembered.ts";
import { text } from "#model/shape.ts";
import type { DirectorView } from "#control/director-view.ts";
import type { ChangeApi } from "./change-api.ts";
import { filterOf, ListFilters, type ListFilter } from "./list-filters.ts";
import { isUnchanged, ReadHeaders } from "./read-terms.ts";
import { KINDS, operationOf } from "./resource-kinds.ts";
import { route } from "./route.ts";

const MAX_PAGE = 1_000;

const PageQuery = {
  limit: Type.Integer({
    minimum: 1,
    maximum: MAX_PAGE,
    default: MAX_PAGE,
    description: "How many resources to return.",
  }),
  after: Type.Optional(
    Type.String({
      maxLength: 1_024,
      description:
        "Only resources after the one with this name, in natural order. The header `Link` of a page with `rel=next` has it.",
    }),
  ),
};

interface ListQuery extends ListFilter {
  readonly limit: number;
  readonly after?: string;
}

interface Status {
  readonly name: string;
}

interface StateFacts {
  /** What a resource is besides what is written about it. */
  readonly properties: TProperties;
  /** Returns at least the states of the resources with these names. Undefined if the resources of this kind have no state. */
  readonly statusesOf?: (view: DirectorView, names: ReadonlySet<string>) => readonly Status[];
}

const NAME_ONLY: StateFacts = { properties: { name: text("Its name.") } };

const STATES: Readonly<Record<ResourceKind, StateFacts>> = {
  servers: {
    properties: ServerStatusSchema.properties,
    statusesOf: (view) => view.servers(),
  },
  profiles: {
    properties: ProfileStatusSchema.properties,
    statusesOf: (view) => view.profiles(),
  },
  vnics: {
    properties: VnicStatusSchema.properties,
    statusesOf: (view, names) => view.vnics((vnic) => names.has(vnic)),
  },
  listeners: {
    properties: ListenerStatusSchema.properties,
    statusesOf: (view, names) => {
      const vnics = new Set(Array.from(names, (name) => vnicOfListener(name as ListenerName)));
      return view.vnics((vnic) => vnics.has(vnic)).flatMap(({ listeners }) => listeners);
    },
  },
  certificates: {
    properties: CertificateStatusSchema.properties,
    statusesOf: (view) => view.certificates(),
  },
  policies: NAME_ONLY,
};

/** The routes that list the resources of a kind, each as it is written and as it is. */
export function addListRoutes(app: FastifyInstance, view: DirectorView, api: ChangeApi): void {
  for (const kind of RESOURCE_KINDS) addListOf(kind, app, view, api);
}

function addListOf(
  kind: ResourceKind,
  app: FastifyInstance,
  view: DirectorView,
  api: ChangeApi,
): void {
  const { noun, schema } = KINDS[kind];
  const { properties } = STATES[kind];
  const own = {
    etag: text("Its entity tag, for If-Match."),
  };
  const itemOf = (written: object) =>
    Type.Object(
      { ...properties, ...own, written },
      { additionalProperties: false, description: `A ${noun}: its state and how it is written.` },
    );
  app.get<{ Querystring: ListQuery }>(
    `/v1/${kind}`,
    route({
      operationId: operationOf("list", kind),
      tags: [kind],
      summary: `List ${noun === "policy" ? kind : `${noun}s`}`,
      querystring: Type.Object(
        { ...PageQuery, ...ListFilters[kind] },
        { additionalProperties: false },
      ),
      headers: ReadHeaders,
      // What is written fits the schema of the document already, and has no defaults.
      reply: Type.Array(itemOf(Type.Unknown())),
      replyShape: Type.Array(itemOf(schema)),
    }),
    (request, reply) => {
      const inForce = api.inForce();
      const tag = api.documentTag(inForce);
      void reply.header("etag", tag);
      if (isUnchanged(request, tag)) return reply.code(304).send();
      const { query } = request;
      const found = foundBy(query, kind, inForce.written);
      const page = found.slice(0, query.limit);
      const last = page.at(-1);
      if (last !== undefined && page.length < found.length) {
        void reply.header("link", `<${nextPageOf(kind, query, last.name)}>; rel="next"`);
      }
      const stateOf = statesOf(kind, view, new Set(page.map(({ name }) => name)));
      return page.flatMap(({ name, value }) => {
        const state = stateOf(name);
        if (state === undefined) return [];
        const shown = api.parts.shown.shownResource(value, kind);
        return [{ ...state, etag: shown.tag, written: shown.value }];
      });
    },
  );
}

/** Returns a function that returns the state of a resource, or undefined if the resource is not in force any more. */
function statesOf(
  kind: ResourceKind,
  view: DirectorView,
  names: ReadonlySet<string>,
): (name: string) => Status | undefined {
  const { statusesOf } = STATES[kind];
  if (statusesOf === undefined) return (name) => ({ name });
  const states = new Map(statusesOf(view, names).map((status) => [status.name, status]));
  return (name) => states.get(name);
}

/** Returns the resources that the filters match, after the one that the query names. */
function foundBy(query: ListQuery, kind: ResourceKind, document: WrittenDocument) {
  const { after } = query;
  const matches = filterOf(query, kind, document);
  return IN_ORDER[kind]
    .of(document)
    .filter(({ name }) => (after === undefined || compareNames(name, after) > 0) && matches(name));
}

const inOrder = (kind: ResourceKind): Remembered<WrittenDocument, readonly Resource[]> =>
  new Remembered((document) =>
    resourcesOf(document, kind).toSorted((one, other) => compareNames(one.name, other.name)),
  );

/** The resources of a document in natural order. Sorting thousands of names takes longer than the rest of a page. */
const IN_ORDER: Readonly<Record<ResourceKind, ReturnType<typeof inOrder>>> = {
  servers: inOrder("servers"),
  profiles: inOrder("profiles"),
  vnics: inOrder("vnics"),
  listeners: inOrder("listeners"),
  certificates: inOrder("certificates"),
  policies: inOrder("policies"),
};

function nextPageOf(kind: ResourceKind, query: ListQuery, after: string): string {
  const fields = Object.entries({ ...query, after }).map(([key, value]) => [key, String(value)]);
  return `/v1/${kind}?${new URLSearchParams(fields).toString()}`;
}
