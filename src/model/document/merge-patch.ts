import { isJsonMap, type Json, type JsonMap } from "../json.ts";

/** The same limit as for the text of a request, which `checkJsonText` applies. */
const MAX_DEPTH = 64;

/**
 * Applies a JSON merge patch (RFC 7396): null removes a key, and a list replaces a list. Changes neither value. Throws RangeError
 * if the maps of the patch are nested more than 64 levels deep.
 */
export const mergePatch = (target: Json | undefined, patch: Json): Json =>
  mergeAt(target, patch, 0);

function mergeAt(target: Json | undefined, patch: Json, depth: number): Json {
  if (!isJsonMap(patch)) return patch;
  if (depth === MAX_DEPTH) throw new RangeError("The patch is nested too deeply.");
  const merged = new Map(Object.entries<Json>(mapOf(target)));
  for (const [key, value] of Object.entries(patch)) {
    if (value === null) merged.delete(key);
    else merged.set(key, mergeAt(merged.get(key), value, depth + 1));
  }
  // Unlike an assignment, this makes `__proto__` a key like any other.
  return Object.fromEntries(merged);
}

const mapOf = (value: Json | undefined): JsonMap => (isJsonMap(value) ? value : {});
