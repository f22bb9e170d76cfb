import type { Keys } from "#model/document/document-tree.ts";
import { isJsonMap, isSameJson, tryEntry, type Json, type JsonMap } from "#model/json.ts";
import { UsageError } from "#cli/usage-error.ts";
import type { ListEdit } from "./parse-settings.ts";

/**
 * Returns the merge patch with the lists that the edits lead to, as values or as null. Items that are there already are not added
 * again; one that has a name is replaced by a map of that name. Throws UsageError if a list is not set and has no default of its own.
 */
export function withListEdits(
  current: JsonMap,
  patch: JsonMap,
  edits: readonly ListEdit[],
): JsonMap {
  const edited = edits.reduce<JsonMap>((merged, { keys, isRemoval, items, unset, shortKey }) => {
    // Several edits of one list follow each other.
    const before = listAt(merged, keys) ?? listAt(current, keys) ?? unset;
    if (before === undefined) {
      const name = keys.join(".");
      throw new UsageError(
        `${name} is not set, so nothing can be added to it. Set the whole list.`,
      );
    }
    const nameOf = (item: Json): Json =>
      shortKey === undefined || !isJsonMap(item) ? item : (tryEntry(item, shortKey) ?? item);
    const tryIn = (list: readonly Json[], item: Json): Json | undefined =>
      list.find((other) => isSameJson(nameOf(other), nameOf(item)));
    const after = isRemoval
      ? before.filter((item) => tryIn(items, item) === undefined)
      : [
          ...before.map((item) => replacementOf(item, tryIn(items, item))),
          ...items.filter((item) => tryIn(before, item) === undefined),
        ];
    return withValueAt(merged, keys, after);
  }, patch);
  // A list that has become what it is by default is not set any more.
  return edits.reduce<JsonMap>(
    (merged, { keys, unset }) =>
      unset !== undefined && isSameJson(listAt(merged, keys), unset)
        ? withValueAt(merged, keys, null)
        : merged,
    edited,
  );
}

/** A map replaces the item of its name. A text only names it. */
const replacementOf = (item: Json, added: Json | undefined): Json =>
  isJsonMap(added) ? added : item;

function listAt(value: JsonMap, keys: Keys): readonly Json[] | undefined {
  const found = keys.reduce<Json | undefined>(
    (part, key) => (isJsonMap(part) ? tryEntry(part, key) : undefined),
    value,
  );
  return Array.isArray(found) ? found : undefined;
}

function withValueAt(map: JsonMap, [key = "", ...rest]: Keys, value: Json): JsonMap {
  const inner = tryEntry(map, key);
  const next = rest.length === 0 ? value : withValueAt(isJsonMap(inner) ? inner : {}, rest, value);
  // A spread would lose a key such as `__proto__`.
  return Object.fromEntries([...Object.entries(map).filter(([name]) => name !== key), [key, next]]);
}
