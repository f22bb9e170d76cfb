/** Maps such as `timeouts`, which mean the same if they are empty and if they are absent. */
import type { SchemaNode } from "#model/document/discriminated-union.ts";
import { mergePatch } from "#model/document/merge-patch.ts";
import { isJsonMap, isSameJson, tryEntry, type Json, type JsonMap } from "#model/json.ts";
import { trySettingSchema } from "./setting-schema.ts";

/** Returns true if the merge patch may leave such a map empty. */
export const mayEmptyMap = (schema: SchemaNode, patch: JsonMap): boolean =>
  Object.entries(patch).some(
    ([key, value]) =>
      hasMap(schema, key) && isJsonMap(value) && Object.values(value).includes(null),
  );

/** Returns the merge patch with null for each such map that it would leave empty. */
export const withoutEmptyMaps = (schema: SchemaNode, current: JsonMap, patch: JsonMap): JsonMap =>
  Object.fromEntries(
    Object.entries(patch).map(([key, value]) => {
      const isEmpty =
        hasMap(schema, key) && isSameJson(mergePatch(tryEntry(current, key), value), {});
      return [key, isEmpty ? null : value] as const;
    }),
  );

function hasMap(schema: SchemaNode, key: string): boolean {
  const value: unknown = trySettingSchema(schema, [key])?.default;
  return value !== undefined && isSameJson(value as Json, {});
}
