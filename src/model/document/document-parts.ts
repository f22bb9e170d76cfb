/** The entries of a document's maps of names: its servers, its profiles with their vNICs, its certificates and its policies. */
import type { TSchema } from "typebox";
import { isJsonMap, isSameText, tryEntry, type JsonMap } from "../json.ts";
import type { SchemaNode } from "./discriminated-union.ts";
import { DocumentSchema } from "./document.ts";
import type { Keys } from "./document-tree.ts";
import { mapMarked, type MarkedValue } from "./map-marked.ts";
import type { Mark } from "./marks.ts";
import { Remembered } from "../remembered.ts";

export interface DocumentPart {
  /** `servers`, `profiles`, `certificates` or `policies`. */
  readonly section: string;
  readonly name: string;
  readonly part: JsonMap;
  readonly schema: SchemaNode;
}

/** The schemas of the parts, by section. */
const SCHEMA: TSchema = DocumentSchema;
const { properties: sections = {} }: SchemaNode = SCHEMA;
const PART_SCHEMAS: ReadonlyMap<string, SchemaNode> = new Map(
  Object.entries(sections).flatMap(([section, schema]) => {
    const [partSchema] = Object.values(schema.patternProperties ?? {});
    return partSchema === undefined ? [] : [[section, partSchema] as const];
  }),
);

/** Returns the parts of a document, written or with defaults. */
export function partsOf(document: object): readonly DocumentPart[] {
  const parts: DocumentPart[] = [];
  for (const section of PART_SCHEMAS.keys()) parts.push(...partsOfSection(document, section));
  return parts;
}

function partsOfSection(document: object, section: string): readonly DocumentPart[] {
  const named = (document as JsonMap)[section];
  return isJsonMap(named) ? (PARTS.get(section)?.of(named) ?? []) : [];
}

const PARTS: ReadonlyMap<string, Remembered<JsonMap, readonly DocumentPart[]>> = new Map(
  Array.from(PART_SCHEMAS, ([section, schema]) => [
    section,
    new Remembered((named: JsonMap) =>
      Object.entries(named).flatMap(([name, part]) =>
        isJsonMap(part) ? [{ section, name, part, schema }] : [],
      ),
    ),
  ]),
);

/** Returns the document with other parts. What has only parts that `map` returns as they are is the same object. */
export function mapParts<Kind extends object>(
  document: Kind,
  map: (part: DocumentPart) => JsonMap,
): Kind {
  const before = Object.entries<unknown>(document as Readonly<Record<string, unknown>>);
  const after = before.map(([section, named]) =>
    isJsonMap(named) && PART_SCHEMAS.has(section) ? mapNamed(section, named, map) : named,
  );
  if (before.every(([, named], at) => named === after[at])) return document;
  return Object.fromEntries(before.map(([section], at) => [section, after[at]])) as Kind;
}

function mapNamed(section: string, named: JsonMap, map: (part: DocumentPart) => JsonMap): JsonMap {
  const changed = new Map<string, JsonMap>();
  for (const one of partsOfSection({ [section]: named }, section)) {
    const part = map(one);
    if (part !== one.part) changed.set(one.name, part);
  }
  if (changed.size === 0) return named;
  const entries = Object.entries(named);
  return Object.fromEntries(entries.map(([name, part]) => [name, changed.get(name) ?? part]));
}

/**
 * Returns an edited document that has the parts in common with the document before which it has in the same form. They are known then,
 * even if the document has come as text.
 */
export function sharedWith(before: object, edited: JsonMap): JsonMap {
  const shared = mapParts(edited, ({ section, name, part }) => {
    const named = (before as JsonMap)[section];
    const known = isJsonMap(named) ? tryEntry(named, name) : undefined;
    return isJsonMap(known) && isSameText(known, part) ? known : part;
  });
  return Object.fromEntries(
    Object.entries(shared).map(([section, named]) => {
      const known = (before as JsonMap)[section];
      return [section, isJsonMap(known) && isSameText(known, named) ? known : named];
    }),
  );
}

/** Returns the document without the parts that the other document has as the same objects. */
export function withoutShared<Kind extends object>(document: Kind, other: object): Kind {
  const entries = Object.entries<unknown>(document as Readonly<Record<string, unknown>>);
  const rest = entries.map(([section, named]) => {
    const known = (other as JsonMap)[section];
    if (!PART_SCHEMAS.has(section) || !isJsonMap(named) || !isJsonMap(known)) {
      return [section, named] as const;
    }
    const own = Object.entries(named).filter(([name, part]) => tryEntry(known, name) !== part);
    return [section, named === known ? {} : Object.fromEntries(own)] as const;
  });
  return Object.fromEntries(rest) as Kind;
}

/** A text that the schema marks. */
export interface MarkedText {
  readonly mark: Mark;
  readonly text: string;
  /** Where it is, with listeners by index, as in the path of a problem. */
  readonly steps: readonly (string | number)[];
  /** Where it is, with listeners by port. */
  readonly keys: Keys;
}

/** The marked texts of parts, by section. Their places begin with the section and an empty name. */
const MARKED: ReadonlyMap<string, Remembered<JsonMap, readonly MarkedText[]>> = new Map(
  Array.from(PART_SCHEMAS, ([section, schema]) => [
    section,
    new Remembered((part: JsonMap) => markedTextsOfPart(schema, part, section)),
  ]),
);

function markedTextsOfPart(
  schema: SchemaNode,
  part: JsonMap,
  section: string,
): readonly MarkedText[] {
  const found: MarkedText[] = [];
  const note = ({ mark, value, steps, keys }: MarkedValue): unknown => {
    if (typeof value === "string") found.push({ mark, text: value, steps, keys });
    return value;
  };
  mapMarked(schema, part, note, [section, ""]);
  return found;
}

/** The marked texts of sections. A change of a document leaves most sections as they are. */
const MARKED_IN: ReadonlyMap<string, Remembered<JsonMap, readonly MarkedText[]>> = new Map(
  Array.from(PART_SCHEMAS.keys(), (section) => [
    section,
    new Remembered((named: JsonMap) =>
      partsOfSection({ [section]: named }, section).flatMap(({ name, part }) =>
        (MARKED.get(section)?.of(part) ?? []).map(({ mark, text, steps, keys }) => ({
          mark,
          text,
          steps: [section, name, ...steps.slice(2)],
          keys: [section, name, ...keys.slice(2)],
        })),
      ),
    ),
  ]),
);

/** Returns the texts that the schema marks, in the order of the document. */
export const markedTextsOf = (document: object): readonly MarkedText[] =>
  Array.from(MARKED_IN).flatMap(([section, texts]) => {
    const named = (document as JsonMap)[section];
    return isJsonMap(named) ? texts.of(named) : [];
  });
