import type { FastifyInstance } from "fastify";
import Type, { type Static } from "typebox";
import { DirectorError } from "#model/failure.ts";
import {
  ExplainedHandshakeSchema,
  explainHandshake,
  HandshakeGroupsSchema,
  type ExplainedHandshake,
  type HandshakeFilter,
  type HandshakeGroups,
} from "#model/records/handshake-groups.ts";
import {
  HANDSHAKE_FAILURE_NAMES,
  HANDSHAKE_GROUPINGS,
  type HandshakeGrouping,
} from "#model/records/outcome.ts";
import { oneOf, text } from "#model/shape.ts";
import type { DirectorView } from "#control/director-view.ts";
import { clientFilterOf } from "./client-filter.ts";
import { route } from "./route.ts";

const MAX_LIMIT = 1_000;
const MAX_SKIP = 100_000;
const MAX_NAME = 512;

const name = (description: string) => Type.Optional(text(description, { maxLength: MAX_NAME }));

const HandshakesQuery = Type.Object(
  {
    failed: Type.Optional(
      Type.String({
        description:
          "Only failed handshakes. This is the default, because successful ones are not kept.",
      }),
    ),
    group: name(
      `Replies groups instead of handshakes: one or more of ${HANDSHAKE_GROUPINGS.map((by) => `\`${by}\``).join(", ")}, with commas between them.`,
    ),
    cause: Type.Optional(oneOf(HANDSHAKE_FAILURE_NAMES, "Only those that failed for this cause.")),
    listener: name(
      "Only those of this listener, `<vnic>.<profile>:<port>`. `*` stands for any characters.",
    ),
    vnic: name("Only those of this vNIC, `<vnic>.<profile>`. `*` stands for any characters."),
    client: name("Only those of the client with this address, or of clients in this CIDR."),
    serverName: name("Only those with this server name. Empty for clients that sent none."),
    limit: Type.Integer({
      minimum: 1,
      maximum: MAX_LIMIT,
      default: 100,
      description: "How many handshakes or groups to return.",
    }),
    skip: Type.Integer({
      minimum: 0,
      maximum: MAX_SKIP,
      default: 0,
      description: "How many of the newest handshakes to leave out. Not with `group`.",
    }),
  },
  { additionalProperties: false },
);
export type HandshakesQuery = Static<typeof HandshakesQuery>;

/** Throws `bad-request` if the text is not a list of groupings, each at most once. */
function groupingsOf(group: string): readonly HandshakeGrouping[] {
  const words = group.split(",");
  const known = HANDSHAKE_GROUPINGS.filter((by) => words.includes(by));
  if (known.length === words.length) return known;
  throw new DirectorError(
    "bad-request",
    `\`group\` takes ${HANDSHAKE_GROUPINGS.join(", ")}, each at most once.`,
  );
}

function filterOf({ cause, listener, vnic, client, serverName }: HandshakesQuery): HandshakeFilter {
  return {
    ...(cause === undefined ? {} : { cause }),
    ...(listener === undefined ? {} : { listener }),
    ...(vnic === undefined ? {} : { vnic }),
    ...(client === undefined ? {} : { client: clientFilterOf(client) }),
    ...(serverName === undefined ? {} : { serverName }),
  };
}

/** The route of failed handshakes, as a list or in groups. */
export function addHandshakeRoutes(app: FastifyInstance, view: DirectorView): void {
  app.get<{ Querystring: HandshakesQuery }>(
    "/v1/handshakes",
    route({
      operationId: "listHandshakes",
      tags: ["handshakes"],
      summary: "List failed handshakes, the newest first, or groups of them, the largest first",
      querystring: HandshakesQuery,
      reply: Type.Union([Type.Array(ExplainedHandshakeSchema), HandshakeGroupsSchema]),
    }),
    ({ query }): readonly ExplainedHandshake[] | HandshakeGroups => {
      const { group, limit, skip } = query;
      const filter = filterOf(query);
      if (group === undefined) {
        return view.handshakes({ filter, limit, skip }).map(explainHandshake);
      }
      return view.handshakeGroups(groupingsOf(group), filter, limit);
    },
  );
}
