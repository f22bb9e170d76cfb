import type { TSchema } from "typebox";
import { fillDefaults } from "./conform.ts";
import { isUnionNode, otherwiseOf, tryBranchOf, type SchemaNode } from "./discriminated-union.ts";
import { tryParts, valueOfParts, type Keys } from "./document-tree.ts";
import { DocumentSchema, type DirectorSettings, type Document } from "./document.ts";
import { isJsonMap, type Json, type JsonMap } from "../json.ts";
import { Remembered } from "../remembered.ts";
import { compareNames } from "./natural-order.ts";

/**
 * The document as an operator wrote it: without defaults, without the settings under `director`, and with absolute paths. It is
 * in normal form, so that equal documents are deeply equal: no empty maps of names, no empty list of listeners, the listeners
 * of a vNIC in the order of their ports, and a server of a profile as its name if nothing else is set.
 */
export interface WrittenDocument {
  readonly servers?: JsonMap;
  readonly profiles?: JsonMap;
  readonly certificates?: JsonMap;
  readonly policies?: JsonMap;
}

/** Returns the normal form of a document that `parseDocument` accepts. The paths stay as they are. */
export function writtenOf(value: unknown): WrittenDocument {
  const { director: _, ...document } = isJsonMap(value) ? value : {};
  return normalFormOf([], document) ?? {};
}

function normalFormOf(keys: Keys, value: JsonMap): JsonMap | undefined;
function normalFormOf(keys: Keys, value: Json): Json | undefined;
function normalFormOf(keys: Keys, value: Json): Json | undefined {
  const [section = ""] = keys;
  const kept = NORMAL[keys.length]?.get(section);
  return kept === undefined || !isJsonMap(value) ? normalAnew(keys, value) : kept.of(value);
}

function normalAnew(keys: Keys, value: Json): Json | undefined {
  const parts = tryParts(keys, value);
  if (parts === undefined) return isServerList(keys) ? shortEntriesOf(value) : value;
  const normal = [...parts].flatMap(([key, part]) => {
    const entry = normalFormOf([...keys, key], part);
    return entry === undefined ? [] : [[key, entry] as const];
  });
  const form = valueOfParts(keys, new Map(normal));
  return isSameEntries(value, form) ? value : form;
}

const normalFormsAt = (
  ...names: Keys
): ReadonlyMap<string, Remembered<JsonMap, Json | undefined>> =>
  new Map(
    ["servers", "profiles", "certificates", "policies"].map((section) => [
      section,
      new Remembered((value: JsonMap) => normalAnew([section, ...names], value)),
    ]),
  );

/** The normal forms of sections and of their parts, by the number of keys and the section. They do not depend on the name of the part. */
const NORMAL = [undefined, normalFormsAt(), normalFormsAt("")];

/** Whether both have the same objects in the same order. A value in normal form then stays the same object. */
function isSameEntries(value: Json, form: Json | undefined): boolean {
  if (typeof value !== "object" || typeof form !== "object" || value === null || form === null) {
    return value === form;
  }
  const entries = Object.entries<Json>(form);
  const before = Object.entries<Json>(value);
  return (
    entries.length === before.length &&
    entries.every(([key, entry], at) => before[at]?.[0] === key && before[at][1] === entry)
  );
}

const isServerList = ({ length, 0: top, 2: list }: Keys): boolean =>
  length === 3 && top === "profiles" && (list === "servers" || list === "standby");

/** An entry that has only the name of its server is that name. */
function shortEntriesOf(entries: Json): Json {
  if (!Array.isArray(entries)) return entries;
  const short = entries.map((entry: Json) => {
    const [[key, name] = [], ...rest] = isJsonMap(entry) ? Object.entries(entry) : [];
    return key === "server" && name !== undefined && rest.length === 0 ? name : entry;
  });
  return isSameEntries(entries, short) ? entries : short;
}

/** Returns the document with all defaults, as `parseDocument` does. */
export const effectiveOf = (written: WrittenDocument, director: DirectorSettings): Document =>
  fillDefaults(DocumentSchema, { director, ...written }) as Document;

/** Returns the same document with its keys in the order of the schema, and its names in natural order. */
export const inSchemaOrder = (written: WrittenDocument): WrittenDocument =>
  orderedBy(SCHEMA, written as JsonMap) as WrittenDocument;

const SCHEMA: TSchema = DocumentSchema;

/** Returns the same value with its keys in the order of the schema, and its names in natural order. */
export function orderedBy(schema: SchemaNode, value: Json): Json {
  if (Array.isArray(value)) {
    const { items } = schema;
    return items === undefined ? value : value.map((item: Json) => orderedBy(items, item));
  }
  if (!isJsonMap(value)) return value;
  if (isUnionNode(schema))
    return orderedBy(tryBranchOf(schema, value) ?? otherwiseOf(schema), value);
  const { properties = {}, patternProperties = {} } = schema;
  const known = Object.keys(properties);
  const [named = {}] = Object.values(patternProperties);
  const rest = Object.keys(value).filter((key) => !Object.hasOwn(properties, key));
  const keys = [
    ...known.filter((key) => Object.hasOwn(value, key)),
    ...rest.toSorted(compareNames),
  ];
  return Object.fromEntries(
    keys.map((key) => [key, orderedBy(properties[key] ?? named, value[key] ?? null)]),
  );
}
