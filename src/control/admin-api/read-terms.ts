import type { FastifyRequest } from "fastify";
import Type from "typebox";
import { parseTags, type EntityTag } from "./entity-tags.ts";

export const ReadQuery = Type.Object(
  {
    effective: Type.Boolean({ default: false, description: "Show defaults too." }),
  },
  { additionalProperties: false },
);
export type ReadQuery = Type.Static<typeof ReadQuery>;

export const ReadHeaders = Type.Object({
  "if-none-match": Type.Optional(
    Type.String({
      description: "Entity tags that the client has. The reply is 304 if one is current.",
    }),
  ),
});

/** Returns true if the client has the current representation. Throws `bad-request`. */
export function isUnchanged({ headers }: FastifyRequest, tag: EntityTag): boolean {
  const field = headers["if-none-match"];
  if (field === undefined) return false;
  const tags = parseTags(field);
  return tags === "*" || tags.includes(tag);
}
