import type { FastifyInstance } from "fastify";
import Type, { type Static } from "typebox";
import { DirectorError } from "#model/failure.ts";
import {
  CutConnectionsSchema,
  MAX_LISTED,
  OpenConnectionsSchema,
  type ConnectionFilter,
  type CutConnections,
  type OpenConnections,
} from "#model/records/open-connection.ts";
import { text } from "#model/shape.ts";
import { clientFilterOf } from "./client-filter.ts";
import { route } from "./route.ts";

/** The open connections of all workers. */
export interface Connections {
  list(filter: ConnectionFilter, limit: number): Promise<OpenConnections>;
  cut(filter: ConnectionFilter): Promise<CutConnections>;
}

/** Longer than the requests that may wait before it take. */
const CONNECTIONS_DEADLINE_MS = 150_000;
const MAX_NAME = 512;

const name = (description: string) =>
  Type.Optional(Type.String({ ...text(description), minLength: 1, maxLength: MAX_NAME }));

const FILTERS = {
  vnic: name("Only those of this vNIC, `<vnic>.<profile>`. `*` stands for any characters."),
  listener: name(
    "Only those of this listener, `<vnic>.<profile>:<port>`. `*` stands for any characters.",
  ),
  server: name("Only those whose endpoint is on this server. `*` stands for any characters."),
  client: name("Only those of the client with this address, or of clients in this CIDR."),
};

const ConnectionsQuery = Type.Object(
  {
    ...FILTERS,
    limit: Type.Integer({
      minimum: 1,
      maximum: MAX_LISTED,
      default: 100,
      description: "How many connections to list. If more match, they are a sample.",
    }),
  },
  { additionalProperties: false },
);
export type ConnectionsQuery = Static<typeof ConnectionsQuery>;

const CutQuery = Type.Object(
  { ...FILTERS, vnic: Type.Optional(Type.String({ ...FILTERS.vnic, examples: ["front.shop"] })) },
  { additionalProperties: false },
);
export type CutQuery = Static<typeof CutQuery>;

/** Throws `bad-request` if `client` is neither an address nor a CIDR. */
function filterOf({ vnic, listener, server, client }: CutQuery): ConnectionFilter {
  return {
    ...(vnic === undefined ? {} : { vnic }),
    ...(listener === undefined ? {} : { listener }),
    ...(server === undefined ? {} : { server }),
    ...(client === undefined ? {} : { client: clientFilterOf(client) }),
  };
}

/** The routes that list and cut open connections. */
export function addConnectionRoutes(app: FastifyInstance, connections: Connections): void {
  app.get<{ Querystring: ConnectionsQuery }>(
    "/v1/connections",
    {
      ...route({
        operationId: "listConnections",
        tags: ["connections"],
        summary: "List open connections, or a sample of them, with age, bytes and rate",
        querystring: ConnectionsQuery,
        reply: OpenConnectionsSchema,
      }),
      handlerTimeout: CONNECTIONS_DEADLINE_MS,
    },
    ({ query, raw }): Promise<OpenConnections> => {
      raw.setTimeout(CONNECTIONS_DEADLINE_MS);
      return connections.list(filterOf(query), query.limit);
    },
  );
  app.delete<{ Querystring: CutQuery }>(
    "/v1/connections",
    {
      ...route({
        operationId: "cutConnections",
        tags: ["connections"],
        summary: "Cut the open connections that match. At least one filter is required",
        querystring: CutQuery,
        reply: CutConnectionsSchema,
      }),
      handlerTimeout: CONNECTIONS_DEADLINE_MS,
    },
    ({ query, raw }): Promise<CutConnections> => {
      const filter = filterOf(query);
      if (Object.keys(filter).length === 0) throw new DirectorError("filter-missing");
      raw.setTimeout(CONNECTIONS_DEADLINE_MS);
      return connections.cut(filter);
    },
  );
}
