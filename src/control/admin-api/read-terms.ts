import type { FastifyRequest } from "fastify";
import Type from "typebox";
import { requireMatch } from "./change-terms.ts";
import { isNamedWeakly, parseTags, type EntityTag } from "./entity-tags.ts";

export const ReadQuery = Type.Object(
  {
    effective: Type.Boolean({ default: false, description: "Show defaults too." }),
  },
  { additionalProperties: false },
);
export type ReadQuery = Type.Static<typeof ReadQuery>;

export const ReadHeaders = Type.Object({
  "if-match": Type.Optional(
    Type.String({
      description: "Entity tags. The reply is 412 unless one of them is current.",
    }),
  ),
  "if-none-match": Type.Optional(
    Type.String({
      description: "Entity tags that the client has. The reply is 304 if one is current.",
    }),
  ),
});

/**
 * Returns true if the client has the current representation. `tag` is that of the representation, and `document` that of the
 * document, which If-Match can name instead. Throws `bad-request` or `revision-conflict`.
 */
export function isUnchanged(
  { headers }: FastifyRequest,
  tag: EntityTag,
  document: EntityTag = tag,
): boolean {
  const match = headers["if-match"];
  if (match !== undefined) requireMatch(parseTags(match), { own: tag, document });
  const noneMatch = headers["if-none-match"];
  if (noneMatch === undefined) return false;
  const tags = parseTags(noneMatch);
  return tags === "*" || isNamedWeakly(tags, tag);
}
