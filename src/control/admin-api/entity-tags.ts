import { createHash } from "node:crypto";
import { canonicalJson } from "#model/canonical-json.ts";
import type { Json } from "#model/json.ts";
import { DirectorError } from "#model/failure.ts";

/** A strong entity tag with its quotes (RFC 9110 section 8.8.3). */
export type EntityTag = string;

/** What If-Match or If-None-Match names: any representation, or the representations with these strong tags. */
export type TagCondition = "*" | readonly EntityTag[];

/** The part of a field value up to the next comma: a tag, or what must be refused. Linear, and without backtracking. */
const TAG = /^(?:W\/)?"[\x21\x23-\x7e\x80-\xff]*"$/;
const MAX_TAGS = 100;

/** The tag of a resource is the hash of its own JSON, so that a change of another resource does not change it. */
export const tagOfValue = (value: Json): EntityTag =>
  `"${createHash("sha256").update(canonicalJson(value)).digest("base64url").slice(0, 22)}"`;

/**
 * Parses a field value of If-Match or If-None-Match. Weak tags are left out, because the comparison is strong (RFC 9110 section
 * 13.1.1). Throws `bad-request`.
 */
export function parseTags(field: string): TagCondition {
  if (field.trim() === "*") return "*";
  const tags = field.split(",").map((tag) => tag.trim());
  if (tags.length > MAX_TAGS || !tags.every((tag) => TAG.test(tag))) {
    const detail = 'If-Match and If-None-Match hold * or entity tags in double quotes, e.g. "abc".';
    throw new DirectorError("bad-request", detail);
  }
  return tags.filter((tag) => !tag.startsWith("W/"));
}
