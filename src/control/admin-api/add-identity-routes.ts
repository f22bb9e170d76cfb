import type { FastifyInstance } from "fastify";
import Type, { type Static } from "typebox";
import { withAdoptedServer, withMovedProfile } from "#model/document/move-profile.ts";
import { resourceOf } from "#model/document/resources.ts";
import { NAME_PATTERN } from "#model/names.ts";
import { ChangeReplySchema } from "#model/records/change-reply.ts";
import { CHANGE_ROUTE, type ChangeApi } from "./change-api.ts";
import { ChangeHeaders } from "./change-terms.ts";
import { DrainQuery, termOf } from "./cut-terms.ts";
import { JSON_TYPE } from "./parse-body.ts";
import { absentResource } from "./resource-kinds.ts";
import { bodyOf, parseWith, route } from "./route.ts";

const serverName = (description: string) => Type.String({ pattern: NAME_PATTERN, description });

const MoveBody = Type.Object(
  {
    to: Type.Array(serverName("Name of a server."), {
      minItems: 1,
      maxItems: 256,
      description: "The servers that the profile lives on from now on.",
    }),
  },
  { additionalProperties: false, description: "Where a profile moves." },
);

const AdoptBody = Type.Object(
  { by: serverName("The server that takes over every profile.") },
  { additionalProperties: false, description: "Which server adopts another." },
);

const nameParams = (description: string, example: string) =>
  Type.Object({ name: Type.String({ description, examples: [example] }) });

interface Named {
  readonly name: string;
}

/** The routes that move identities between servers. Each is one change, which an undo takes back. */
export function addIdentityRoutes(app: FastifyInstance, api: ChangeApi): void {
  app.post<{ Params: Named; Querystring: DrainQuery; Body: Static<typeof MoveBody> }>(
    "/v1/profiles/:name/move",
    {
      ...route({
        operationId: "moveProfile",
        tags: ["profiles"],
        summary: "Move a profile to other servers, in place of those that it lives on",
        params: nameParams("Name of the profile.", "shop"),
        querystring: DrainQuery,
        headers: ChangeHeaders,
        body: { schema: MoveBody, type: JSON_TYPE, example: { to: ["web-1"] } },
        reply: ChangeReplySchema,
      }),
      ...CHANGE_ROUTE,
    },
    (request, reply) => {
      const { to } = parseWith(MoveBody, bodyOf(request, JSON_TYPE));
      const { name } = request.params;
      const want = api.editOf(({ written }) => {
        const moved = withMovedProfile(written, name, to);
        if (moved === undefined) throw absentResource("profiles", name);
        return moved;
      });
      const cut = termOf({ kind: "moved", profile: name }, request.query.drain);
      return api.run(request, reply, want, { tagsOf: api.tagsOfResource("profiles", name), cut });
    },
  );

  app.post<{ Params: Named; Querystring: DrainQuery; Body: Static<typeof AdoptBody> }>(
    "/v1/servers/:name/adopt",
    {
      ...route({
        operationId: "adoptServer",
        tags: ["servers"],
        summary: "Let another server take the place of a server in every profile",
        params: nameParams("Name of the server whose profiles are taken over.", "web-1"),
        querystring: DrainQuery,
        headers: ChangeHeaders,
        body: { schema: AdoptBody, type: JSON_TYPE, example: { by: "web-1" } },
        reply: ChangeReplySchema,
      }),
      ...CHANGE_ROUTE,
    },
    (request, reply) => {
      const { by } = parseWith(AdoptBody, bodyOf(request, JSON_TYPE));
      const { name } = request.params;
      const want = api.editOf(({ written }) => {
        for (const server of [name, by]) {
          if (resourceOf(written, "servers", server) === undefined)
            throw absentResource("servers", server);
        }
        return name === by ? written : withAdoptedServer(written, name, by);
      });
      const cut = termOf({ kind: "adopted", server: name }, request.query.drain);
      return api.run(request, reply, want, { tagsOf: api.tagsOfResource("servers", name), cut });
    },
  );
}
