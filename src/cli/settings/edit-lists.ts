import type { Keys } from "#model/document/document-tree.ts";
import { isJsonMap, isSameJson, tryEntry, type Json, type JsonMap } from "#model/json.ts";
import { UsageError } from "#cli/usage-error.ts";
import type { ListEdit } from "./parse-settings.ts";

/**
 * Returns the merge patch with the lists that the edits lead to, as values or as null. Items that are there already are not added
 * again. Throws UsageError if a list is not set and has no default of its own.
 */
export function withListEdits(
  current: JsonMap,
  patch: JsonMap,
  edits: readonly ListEdit[],
): JsonMap {
  const edited = edits.reduce<JsonMap>((merged, { keys, isRemoval, items, unset }) => {
    // Several edits of one list follow each other.
    const before = listAt(merged, keys) ?? listAt(current, keys) ?? unset;
    if (before === undefined) {
      const name = keys.join(".");
      throw new UsageError(
        `${name} is not set, so nothing can be added to it. Set the whole list.`,
      );
    }
    const isIn = (list: readonly Json[], item: Json): boolean =>
      list.some((other) => isSameJson(other, item));
    const after = isRemoval
      ? before.filter((item) => !isIn(items, item))
      : [...before, ...items.filter((item) => !isIn(before, item))];
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
