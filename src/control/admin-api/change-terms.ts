import type { FastifyRequest } from "fastify";
import Type from "typebox";
import { DirectorError } from "#model/failure.ts";
import type { Author } from "#model/records/revision.ts";
import type { ChangeRequest, StateInForce } from "#control/change/change.ts";
import {
  isNamed,
  isNamedWeakly,
  parseTags,
  type EntityTag,
  type TagCondition,
} from "./entity-tags.ts";

export const ChangeQuery = Type.Object(
  {
    dryRun: Type.Boolean({
      default: false,
      description:
        "Only answer what the change would do. Workers are not asked, so they may still refuse it.",
    }),
    forgetSessions: Type.Boolean({
      default: false,
      description:
        "End the sessions of every listener whose clients are shown another certificate after the change: none of them resumes. On engine bun, sessions end with the certificate in any case.",
    }),
    reason: Type.Optional(
      Type.String({ maxLength: 500, description: "Why. It is shown in the history." }),
    ),
  },
  { additionalProperties: false },
);
export type ChangeQuery = Type.Static<typeof ChangeQuery>;

export const ChangeHeaders = Type.Object({
  "if-match": Type.Optional(
    Type.String({
      description:
        "Entity tags of the resource or of the document. The change is refused with 412 unless one of them is current. `*` means that the resource must exist.",
    }),
  ),
  "if-none-match": Type.Optional(
    Type.String({ description: "`*` means that the resource must not exist." }),
  ),
  "tlsd-author": Type.Optional(
    Type.String({
      maxLength: 400,
      description:
        "Who makes the change, e.g. `uid=1000; user=alice; sudo-user=bob`, with percent-encoded values. It is kept as stated and not verified.",
    }),
  ),
});

/** The tags of what a request is about, in a state. */
export interface CurrentTags {
  /** Undefined if the resource does not exist. */
  readonly own: EntityTag | undefined;
  readonly document: EntityTag;
}

type TagsOf = (inForce: StateInForce) => CurrentTags;

/**
 * Returns the author, the reason and the precondition of a change, from the headers and the query of its request. Throws
 * `bad-request` if a header is malformed.
 */
export function termsOf(
  {
    headers,
    query: { reason, forgetSessions },
  }: Pick<FastifyRequest, "headers"> & { readonly query: ChangeQuery },
  tagsOf: TagsOf,
): Pick<ChangeRequest, "by" | "reason" | "forgetsSessions" | "precondition"> {
  const match = tryTags(headers["if-match"]);
  const noneMatch = tryTags(headers["if-none-match"]);
  const terms = {
    by: authorOf(headers["tlsd-author"]),
    ...(reason === undefined ? {} : { reason }),
    ...(forgetSessions ? { forgetsSessions: true } : {}),
  };
  if (match === undefined && noneMatch === undefined) return terms;
  const precondition = (inForce: StateInForce | undefined): void => {
    if (inForce === undefined) throw new DirectorError("not-ready");
    const tags = tagsOf(inForce);
    // The order is that of RFC 9110 section 13.2.2.
    if (match !== undefined) requireMatch(match, tags);
    if (noneMatch !== undefined) refuseMatch(noneMatch, tags);
  };
  return { ...terms, precondition };
}

const tryTags = (field: string | undefined): TagCondition | undefined =>
  field === undefined ? undefined : parseTags(field);

/** Throws `does-not-exist` or `revision-conflict`. */
export function requireMatch(wanted: TagCondition, { own, document }: CurrentTags): void {
  if (wanted === "*") {
    if (own === undefined) throw new DirectorError("does-not-exist");
    return;
  }
  if (isNamed(wanted, document) || (own !== undefined && isNamed(wanted, own))) return;
  const current = own ?? "that it does not exist";
  const detail = `The current entity tag is ${current}, that of the document ${document}.`;
  throw new DirectorError("revision-conflict", detail, own === undefined ? {} : { tag: own });
}

function refuseMatch(unwanted: TagCondition, { own }: CurrentTags): void {
  if (own === undefined) return;
  if (unwanted !== "*" && !isNamedWeakly(unwanted, own)) return;
  throw new DirectorError("already-exists", undefined, { tag: own });
}

const AUTHOR_PART = /^(uid|user|sudo-user)=([^=;\s]{1,128})$/;

/** Throws `bad-request`. */
export function authorOf(field: string | readonly string[] | undefined): Author {
  if (field === undefined) return { origin: "socket" };
  const parts = String(field)
    .split(";")
    .map((part) => AUTHOR_PART.exec(part.trim()));
  const author: { origin: "socket"; uid?: number; user?: string; sudoUser?: string } = {
    origin: "socket",
  };
  const keys = new Set<string>();
  for (const part of parts) {
    const [, key = "", value = ""] = part ?? [];
    const text = tryDecode(value);
    if (text === undefined || keys.has(key)) throw badAuthor();
    keys.add(key);
    if (key === "user") author.user = text;
    else if (key === "sudo-user") author.sudoUser = text;
    else if (key === "uid" && /^\d{1,10}$/.test(text)) author.uid = Number(text);
    else throw badAuthor();
  }
  return author;
}

const badAuthor = (): DirectorError =>
  new DirectorError(
    "bad-request",
    "The header Tlsd-Author holds uid, user and sudo-user, each at most once, e.g. `uid=1000; user=alice`, with percent-encoded values.",
  );

function tryDecode(value: string): string | undefined {
  try {
    return decodeURIComponent(value);
  } catch {
    return undefined;
  }
}
