import Type, { type Static } from "typebox";
import type { ResourceKind } from "#model/document/resources.ts";
import { DirectorError } from "#model/failure.ts";
import { isJsonMap, type Json } from "#model/json.ts";
import { quoted } from "#model/problem.ts";
import type { CutStatus } from "#model/records/cut-status.ts";
import { DEADLINE_PATTERN, tryDeadlineMs } from "#model/units.ts";
import { namesOf, type CutTarget, type CutTerm } from "#control/change/cut-term.ts";
import { ChangeQuery } from "./change-terms.ts";

const deadlineQuery = (description: string) =>
  Type.Optional(
    Type.String({
      pattern: DEADLINE_PATTERN,
      description: `${description} At most 24h; 0 cuts at once. It is no part of the document.`,
    }),
  );

/** The query of a change by which a profile leaves servers. */
export const DrainQuery = Type.Object(
  {
    ...ChangeQuery.properties,
    drain: deadlineQuery(
      "How long open connections to servers that the profile has left may go on, such as 30s. By default until they end. Those to a server that the profile comes back to are not cut.",
    ),
  },
  { additionalProperties: false },
);
export type DrainQuery = Static<typeof DrainQuery>;

/** The query of a change of one server. */
export const CutQuery = Type.Object(
  {
    ...ChangeQuery.properties,
    cut: deadlineQuery(
      "How long open connections to a server that drains or is down may go on, such as 30s. By default until they end. If the server is up again before that, they are not cut.",
    ),
  },
  { additionalProperties: false },
);

/** The query of the routes that change one resource. */
export const resourceQueryOf = (
  kind: ResourceKind,
): typeof ChangeQuery | typeof DrainQuery | typeof CutQuery => {
  if (kind === "profiles") return DrainQuery;
  return kind === "servers" ? CutQuery : ChangeQuery;
};

export interface ResourceQuery extends ChangeQuery {
  readonly drain?: string;
  readonly cut?: string;
}

/** Returns the term of a change of one resource. Throws `bad-request` if the deadline is more than 24 hours. */
export function termOfResource(
  kind: ResourceKind,
  name: string,
  { drain, cut }: ResourceQuery,
): CutTerm | undefined {
  if (kind === "profiles") return termOf({ kind: "moved", profile: name }, drain);
  return kind === "servers" ? termOf({ kind: "drained", server: name }, cut) : undefined;
}

/** Returns undefined without a deadline. Throws `bad-request` if it is more than 24 hours. */
export function termOf(target: CutTarget, deadline: string | undefined): CutTerm | undefined {
  if (deadline === undefined) return undefined;
  const afterMs = tryDeadlineMs(deadline);
  if (afterMs !== undefined) return { ...target, afterMs };
  throw new DirectorError(
    "bad-request",
    `Open connections can go on for 24h at most, and the request has ${quoted(deadline)}.`,
  );
}

/** Throws `bad-request` if the connections of a server are to be cut that gets new ones after the change. */
export function refuseCutOfServed(term: CutTerm | undefined, server: Json): void {
  if (term?.kind !== "drained" || !isJsonMap(server)) return;
  if ((server["admin"] ?? "up") !== "up") return;
  throw new DirectorError(
    "bad-request",
    `\`cut\` needs a server that drains or is down, and ${term.server} is up after this change.`,
  );
}

/** Returns what the reply says about the deadline. */
export const cutStatusOf = (term: CutTerm): CutStatus => ({
  ...namesOf(term),
  at: new Date(Date.now() + term.afterMs).toISOString(),
});
