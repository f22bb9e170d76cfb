import type { TSchema } from "typebox";
import { Check } from "typebox/value";
import { frozen, Remembered } from "../remembered.ts";
import {
  isUnionNode,
  otherwiseOf,
  tagOf,
  tryBranchOf,
  withoutForeignDefaults,
  type SchemaNode,
  type UnionNode,
} from "./discriminated-union.ts";

/**
 * `fill` adds values that are absent and have a default. `repair` also replaces values that do not fit, so that the
 * result fits the schema.
 */
type ConformMode = "fill" | "repair";

const isMap = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === "object" && value !== null && !Array.isArray(value);

/** The parts of documents that have been filled in, by their schema. A part that a change does not touch is not filled in again. */
const filled = new WeakMap<SchemaNode, Remembered<object, unknown>>();

/** Declares that a schema describes a part of the document, whose filled form is kept for as long as the part exists. */
export function rememberPartsOf(schema: TSchema): void {
  filled.set(schema, new Remembered((part) => conformAnew(schema, part, "fill")));
}

/** Returns the filled forms of parts, if the schema describes a part of the document. */
export const filledPartsOf = (schema: SchemaNode): Remembered<object, unknown> | undefined =>
  filled.get(schema);

/**
 * Returns a copy of the value with the schema's defaults. typebox's own `Default` skips the entries of a record whose
 * schema has no default of its own, and throws at unknown keys of a record.
 */
export function fillDefaults(schema: TSchema, value: unknown): unknown {
  return conform(schema, value, "fill");
}

/**
 * Returns a copy that fits the schema. Unknown keys are removed, and values that do not fit are replaced with a default
 * or an empty value.
 */
export function repair(schema: TSchema, value: unknown): unknown {
  return conform(schema, value, "repair");
}

const isLeaf = (schema: SchemaNode): boolean =>
  schema.properties === undefined &&
  schema.patternProperties === undefined &&
  schema.items === undefined &&
  !isUnionNode(schema);

function conform(schema: SchemaNode, given: unknown, mode: ConformMode): unknown {
  const parts = mode === "fill" && isMap(given) ? filled.get(schema) : undefined;
  return parts === undefined ? conformAnew(schema, given, mode) : parts.of(given as object);
}

function conformAnew(schema: SchemaNode, given: unknown, mode: ConformMode): unknown {
  const value = given === undefined ? defaultOf(schema) : longFormOf(schema, given);
  if (isUnionNode(schema)) return conformUnion(schema, value, mode);
  if (schema.properties !== undefined) return conformObject(schema, value, mode);
  if (schema.patternProperties !== undefined) return conformRecord(schema, value, mode);
  if (schema.items !== undefined) return conformArray(schema, schema.items, value, mode);
  if (mode === "fill" || Check(schema, value)) return value;
  return schema.default ?? (schema.type === "integer" ? 0 : "");
}

const longFormOf = ({ shortKey }: SchemaNode, value: unknown): unknown =>
  shortKey !== undefined && typeof value === "string" ? { [shortKey]: value } : value;

/** Frozen, because all documents share it. */
const defaultOf = ({ default: value }: SchemaNode): unknown => frozen(value);

/**
 * If the value does not choose an existing branch, `fill` uses the keys of all branches and `repair` the default
 * branch.
 */
function conformUnion(union: UnionNode, value: unknown, mode: ConformMode): unknown {
  const { propertyName } = union.discriminator;
  const map = isMap(value) ? value : {};
  const branch = tryBranchOf(union, map);
  if (mode === "fill") {
    if (!isMap(value)) return value;
    const tagged = { ...map, [propertyName]: tagOf(union, map) };
    if (branch === undefined) return conformObject(otherwiseOf(union), tagged, mode);
    return conformObject(branch, withoutForeignDefaults(union, branch, tagged), mode);
  }
  const repaired = branch ?? tryBranchOf(union, {}) ?? otherwiseOf(union);
  const tag = repaired.properties?.[propertyName]?.const;
  return conformObject(repaired, { ...map, [propertyName]: tag }, mode);
}

function conformObject(schema: SchemaNode, value: unknown, mode: ConformMode): unknown {
  if (!isMap(value) && mode === "fill") return value;
  const map = isMap(value) ? value : {};
  const properties = Object.entries(schema.properties ?? {});
  const known = properties.flatMap(([key, property]) => {
    const given = Object.hasOwn(map, key) ? map[key] : undefined;
    const isOptional = schema.required?.includes(key) !== true;
    const isAbsent = given === undefined && (isOptional || property.default === undefined);
    if (mode === "fill") return isAbsent ? [] : [[key, conform(property, given, mode)] as const];
    const isLost = isLeaf(property) && given !== undefined && !Check(property, given);
    if (isOptional && (given === undefined || isLost)) return [];
    return [[key, conform(property, given, mode)] as const];
  });
  if (mode === "repair") return Object.fromEntries(known);
  const unknown = Object.entries(map).filter(
    ([key]) => !Object.hasOwn(schema.properties ?? {}, key),
  );
  return Object.fromEntries([...known, ...unknown]);
}

function conformRecord(schema: SchemaNode, value: unknown, mode: ConformMode): unknown {
  if (!isMap(value)) return mode === "fill" ? value : {};
  const [[pattern, entrySchema] = ["", {}]] = Object.entries(schema.patternProperties ?? {});
  const name = new RegExp(pattern, "u");
  return Object.fromEntries(
    Object.entries(value).flatMap(([key, entry]) => {
      if (!name.test(key)) return mode === "fill" ? [[key, entry]] : [];
      return [[key, conform(entrySchema, entry, mode)]];
    }),
  );
}

function conformArray(
  schema: SchemaNode,
  items: SchemaNode,
  value: unknown,
  mode: ConformMode,
): unknown {
  if (Array.isArray(value)) {
    // One entry too many is enough to show that the list is too long.
    const { maxItems = Infinity } = schema;
    const list = value.slice(0, mode === "repair" ? maxItems : maxItems + 1);
    return list.map((item) => conform(items, item, mode));
  }
  return mode === "fill" ? value : (schema.default ?? []);
}
