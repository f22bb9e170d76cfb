import type { TSchema } from "typebox";
import {
  branchesOf,
  isUnionNode,
  otherwiseOf,
  tryBranchOf,
  type SchemaNode,
} from "./discriminated-union.ts";
import { isListenerList, portOf, type Keys } from "./document-tree.ts";
import { isJsonMap } from "../json.ts";
import { markOf, type Mark } from "./marks.ts";

/** A value that the schema marks. */
export interface MarkedValue {
  readonly mark: Mark;
  readonly value: unknown;
  /** Where it is, with listeners by index, as in the path of a problem. */
  readonly steps: readonly (string | number)[];
  /** Where it is, with listeners by port. */
  readonly keys: Keys;
}

interface Place {
  readonly steps: readonly (string | number)[];
  readonly keys: Keys;
}

/**
 * Returns the value with every value that the schema marks replaced by what `replace` returns. Parts in which nothing is replaced
 * are the same objects as in the value. The value need not fit the schema. `keys` lead to the part of the document that the
 * schema describes.
 */
export const mapMarked = (
  schema: TSchema,
  value: unknown,
  replace: (marked: MarkedValue) => unknown,
  keys: Keys = [],
): unknown => mapAt(schema, value, { steps: keys, keys }, replace);

function mapAt(
  schema: SchemaNode,
  value: unknown,
  place: Place,
  replace: (marked: MarkedValue) => unknown,
): unknown {
  if (!hasMarks(schema)) return value;
  const mark = markOf(schema);
  if (mark !== undefined) return replace({ mark, value, ...place });
  if (Array.isArray(value)) {
    const { items } = schema;
    if (items === undefined) return value;
    const mapped = value.map((item: unknown, index) =>
      mapAt(items, item, itemPlaceOf(place, item, index), replace),
    );
    return mapped.every((item, index) => item === value[index]) ? value : mapped;
  }
  if (!isJsonMap(value)) return value;
  const entrySchemaOf = entrySchemasOf(schema, value);
  const changed = new Map<string, unknown>();
  for (const [key, entry] of Object.entries(value)) {
    const entrySchema = entrySchemaOf(key);
    if (entrySchema === undefined || !hasMarks(entrySchema)) continue;
    const inner = { steps: [...place.steps, key], keys: [...place.keys, key] };
    const mapped = mapAt(entrySchema, entry, inner, replace);
    if (mapped !== entry) changed.set(key, mapped);
  }
  if (changed.size === 0) return value;
  return Object.fromEntries(
    Object.entries(value).map(([key, entry]) => [key, changed.has(key) ? changed.get(key) : entry]),
  );
}

const known = new WeakMap<SchemaNode, boolean>();

/** Returns false if the schema and all schemas within it have no mark, as most of a document. */
function hasMarks(schema: SchemaNode): boolean {
  const found = known.get(schema);
  if (found !== undefined) return found;
  const has = markOf(schema) !== undefined || innerSchemasOf(schema).some(hasMarks);
  known.set(schema, has);
  return has;
}

export const innerSchemasOf = (schema: SchemaNode): readonly SchemaNode[] => {
  const { properties = {}, patternProperties = {}, items } = schema;
  return [
    ...Object.values(properties),
    ...Object.values(patternProperties),
    ...(items === undefined ? [] : [items]),
    ...(isUnionNode(schema) ? [...branchesOf(schema), otherwiseOf(schema)] : []),
  ];
};

/** A key of another branch than the value chooses is a mistake, but its value may be a secret all the same. */
function entrySchemasOf(
  schema: SchemaNode,
  value: unknown,
): (key: string) => SchemaNode | undefined {
  if (!isUnionNode(schema)) return (key) => tryEntrySchema(schema, key);
  const branch = tryBranchOf(schema, value) ?? {};
  return (key) => tryEntrySchema(branch, key) ?? tryEntrySchema(otherwiseOf(schema), key);
}

/** Returns the schema of an entry of a map. */
export function tryEntrySchema(schema: SchemaNode, key: string): SchemaNode | undefined {
  const { properties = {}, patternProperties = {} } = schema;
  return Object.hasOwn(properties, key) ? properties[key] : Object.values(patternProperties)[0];
}

function itemPlaceOf({ steps, keys }: Place, item: unknown, index: number): Place {
  const key = isListenerList(keys) ? portOf(item) : index;
  return { steps: [...steps, index], keys: [...keys, String(key)] };
}
