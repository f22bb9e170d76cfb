import { createHash } from "node:crypto";
import { canonicalJson } from "#model/canonical-json.ts";
import type { Json } from "#model/json.ts";
import { DirectorError } from "#model/failure.ts";

/** A strong entity tag with its quotes (RFC 9110 section 8.8.3). */
export type EntityTag = string;

/** What If-Match or If-None-Match names: any representation, or those with these tags. A weak tag begins with `W/`. */
export type TagCondition = "*" | readonly string[];

/** One element of a field value. */
const TAG = /^(?:W\/)?"[\x21\x23-\x7e\x80-\xff]*"$/;
const MAX_TAGS = 100;

/** The tag of a resource is the hash of its own JSON, so that a change of another resource does not change it. */
export const tagOfValue = (value: Json): EntityTag =>
  `"${createHash("sha256").update(canonicalJson(value)).digest("base64url").slice(0, 22)}"`;

/** Parses a field value of If-Match or If-None-Match (RFC 9110 section 13.1). Throws `bad-request`. */
export function parseTags(field: string): TagCondition {
  if (field.trim() === "*") return "*";
  // A list may have empty elements (RFC 9110 section 5.6.1).
  const tags = elementsOf(field).filter((element) => element !== "");
  if (tags.length === 0 || tags.length > MAX_TAGS || !tags.every((tag) => TAG.test(tag))) {
    const detail = 'If-Match and If-None-Match hold * or entity tags in double quotes, e.g. "abc".';
    throw new DirectorError("bad-request", detail);
  }
  return tags;
}

/** Splits at commas. A comma in double quotes is part of a tag. */
function elementsOf(field: string): readonly string[] {
  const elements: string[] = [];
  let start = 0;
  let isInTag = false;
  for (let at = 0; at <= field.length; at += 1) {
    if (field[at] === '"') isInTag = !isInTag;
    if (at < field.length && (isInTag || field[at] !== ",")) continue;
    elements.push(field.slice(start, at).trim());
    start = at + 1;
  }
  return elements;
}

/** The strong comparison, which If-Match needs: a weak tag matches nothing (RFC 9110 section 8.8.3.2). */
export const isNamed = (tags: readonly string[], tag: EntityTag): boolean => tags.includes(tag);

/** The weak comparison, which If-None-Match needs. */
export const isNamedWeakly = (tags: readonly string[], tag: EntityTag): boolean =>
  tags.some((one) => one.replace(/^W\//, "") === tag);
