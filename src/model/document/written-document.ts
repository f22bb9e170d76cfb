import type { TSchema } from "typebox";
import { fillDefaults } from "./conform.ts";
import { isUnionNode, otherwiseOf, tryBranchOf, type SchemaNode } from "./discriminated-union.ts";
import { tryParts, valueOfParts, type Keys } from "./document-tree.ts";
import { DocumentSchema, type DirectorSettings, type Document } from "./document.ts";
import { isJsonMap, type Json, type JsonMap } from "../json.ts";
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
  const parts = tryParts(keys, value);
  if (parts === undefined) return isServerList(keys) ? shortEntriesOf(value) : value;
  const normal = [...parts].flatMap(([key, part]) => {
    const entry = normalFormOf([...keys, key], part);
    return entry === undefined ? [] : [[key, entry] as const];
  });
  return valueOfParts(keys, new Map(normal));
}

const isServerList = ({ length, 0: top, 2: list }: Keys): boolean =>
  length === 3 && top === "profiles" && (list === "servers" || list === "standby");

/** An entry that has only the name of its server is that name. */
const shortEntriesOf = (entries: Json): Json =>
  Array.isArray(entries)
    ? entries.map((entry: Json) => {
        const [[key, name] = [], ...rest] = isJsonMap(entry) ? Object.entries(entry) : [];
        return key === "server" && name !== undefined && rest.length === 0 ? name : entry;
      })
    : entries;

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
