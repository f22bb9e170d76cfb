import { CERTIFICATE_NAME_PATTERN } from "#model/document/certificate-name.ts";

import {
  branchesOf,
  isUnionNode,
  otherwiseOf,
  type UnionNode,
} from "#model/document/discriminated-union.ts";
import { DocumentSchema } from "#model/document/document.ts";
import type { Mark } from "#model/document/marks.ts";
import { NAME_PATTERN } from "#model/names.ts";
import {
  AGE_PATTERN,
  DURATION_PATTERN,
  RATE_PATTERN,
  SIZE_PATTERN,
  TIMEOUT_PATTERN,
} from "#model/units.ts";
import { codeOf, markdownTable, pageOf, sectionOf } from "./markdown.ts";

/** The part of JSON Schema that the document uses. */
interface JsonSchema {
  readonly type?: string;
  readonly description?: string;
  readonly default?: unknown;
  readonly const?: string;
  readonly enum?: readonly string[];
  readonly anyOf?: readonly JsonSchema[];
  readonly pattern?: string;
  readonly minimum?: number;
  readonly maximum?: number;
  readonly items?: JsonSchema;
  readonly properties?: Readonly<Record<string, JsonSchema>>;
  readonly patternProperties?: Readonly<Record<string, JsonSchema>>;
  readonly required?: readonly string[];
  readonly mark?: Mark;
}

/** An object of the document with the path to it, e.g. `profiles.<name>.vnics.<name>`. */
interface DocumentPart {
  readonly path: string;
  readonly schema: JsonSchema;
  /** Set if the keys depend on a tag; `schema` then has all keys. */
  readonly forms?: Forms;
}

/** The forms that an object has, by the tag that chooses one. */
interface Forms {
  /** The key of the tag. */
  readonly tagName: string;
  readonly byTag: readonly (readonly [tag: string, schema: JsonSchema])[];
}

const PATTERNS: Readonly<Record<string, string>> = {
  [NAME_PATTERN]: "name",
  [CERTIFICATE_NAME_PATTERN]: "certificate name",
  [DURATION_PATTERN]: "duration",
  [TIMEOUT_PATTERN]: "duration above 0",
  [SIZE_PATTERN]: "size",
  [AGE_PATTERN]: "age",
  [RATE_PATTERN]: "rate",
};

const MARKS: Readonly<Record<Mark, string>> = {
  file: "path",
  endpoint: "text",
  secret: "secret",
};

const ROOT: object = DocumentSchema;

const INTRO = [
  "The whole configuration of a director, in YAML or JSON: `director.yaml`. Relative paths are from the document's",
  "folder. Keys that are not listed here are errors. `tlsd check FILE` reports every problem of a document.",
  "",
  "- A *name* is 1 to 63 lower-case letters, digits and inner hyphens.",
  "- A *certificate name* is up to 253 characters: labels of lower-case letters, digits, `_` and `-`, joined by single dots,",
  "  with an optional `*.` before them: `shop`, `shop.example`, `*.shop.example`.",
  "- A *duration* has a unit: `500ms`, `10s`, `5m`, `12h`.",
  "- An *age* has a unit: `300s`, `5m`, `12h`, `365d`.",
  "- A *size* has a unit: `64KiB`, `512MiB`, `2GiB`.",
  "- A *path* names a file. A file or unix socket that is set over the API must be in a folder of `director.paths`.",
  "- A *secret* is one line of text. It is never shown. Instead of it you see a fingerprint, `secret:hmac-sha256:…`. If you send the",
  "  fingerprint back in its place, the secret stays as it is.",
  "- A *rate* is `<committed>_<peak>` in bits per second: `100m_1g` is 100 Mbit/s guaranteed and 1 Gbit/s at most.",
].join("\n");

export function documentPage(): string {
  const parts = partsOf({ path: "", schema: ROOT });
  return pageOf("The document", INTRO, parts.map(sectionOfPart));
}

/** Every key with the path of its object, as `tlsd check` writes it but with `<name>` and `[]`. */
export function documentKeys(): readonly (readonly [path: string, key: string])[] {
  return partsOf({ path: "", schema: ROOT }).flatMap(({ path, schema }) =>
    Object.keys(schema.properties ?? {}).map((key) => [path, key] as const),
  );
}

const join = (path: string, key: string): string => (path === "" ? key : `${path}.${key}`);

/** The objects of the document, each before those within it. */
function partsOf(part: DocumentPart): readonly DocumentPart[] {
  const inner = Object.entries(part.schema.properties ?? {}).flatMap(([key, schema]) =>
    objectsIn(join(part.path, key), schema).map((object) => ({
      ...formsWithin(part, key),
      ...object,
    })),
  );
  return [part, ...inner.flatMap(partsOf)];
}

/** Returns the forms of a map whose keys depend on the tag of the object around it. */
function formsWithin({ forms }: DocumentPart, key: string): Pick<DocumentPart, "forms"> {
  if (forms === undefined) return {};
  const { tagName } = forms;
  const byTag = forms.byTag.flatMap(([tag, { properties = {} }]) => {
    const form = properties[key];
    return form?.properties === undefined ? [] : [[tag, form] as const];
  });
  return new Set(byTag.map(([, form]) => form)).size > 1 ? { forms: { tagName, byTag } } : {};
}

function formsOf(union: UnionNode): Forms {
  const { propertyName: tagName } = union.discriminator;
  const branches: readonly JsonSchema[] = branchesOf(union);
  const byTag = branches.map((form) => [form.properties?.[tagName]?.const ?? "", form] as const);
  return { tagName, byTag };
}

function objectsIn(path: string, schema: JsonSchema): readonly DocumentPart[] {
  if (isUnionNode(schema)) {
    return [{ path, schema: otherwiseOf(schema), forms: formsOf(schema) }];
  }
  if (schema.properties !== undefined) return [{ path, schema }];
  if (schema.items !== undefined) return objectsIn(`${path}[]`, schema.items);
  const [named] = Object.values(schema.patternProperties ?? {});
  return named === undefined ? [] : objectsIn(`${path}.<name>`, named);
}

function sectionOfPart({ path, schema, forms }: DocumentPart): string {
  return sectionOf(
    path === "" ? "Top level" : codeOf(path),
    path === "" ? "" : (schema.description ?? ""),
    forms === undefined ? tableOf(schema) : formsTableOf(forms, schema),
  );
}

function tableOf({ required, properties = {} }: JsonSchema): string {
  const rows = Object.entries(properties).map(([key, value]) => [
    codeOf(key),
    ...cellsOf(value, required?.includes(key) === true),
  ]);
  return markdownTable(["key", "value", "default", "meaning"], rows);
}

const cellsOf = (schema: JsonSchema, isRequired: boolean): readonly string[] => [
  valueOf(schema),
  defaultOf(schema, isRequired),
  schema.description ?? "",
];

/** A key that means different things in different forms has a row for each meaning. */
function formsTableOf({ tagName, byTag }: Forms, { properties = {} }: JsonSchema): string {
  const rows = Object.entries(properties).flatMap(([key, merged]) => {
    if (key === tagName) return [[codeOf(key), "all", ...cellsOf(merged, false)]];
    const meanings = new Map<string, { readonly cells: readonly string[]; tags: string[] }>();
    for (const [tag, { properties: own, required }] of byTag) {
      if (own?.[key] === undefined) continue;
      const cells = cellsOf(own[key], required?.includes(key) === true);
      const meaning = meanings.get(cells.join()) ?? { cells, tags: [] };
      meaning.tags.push(codeOf(tag));
      meanings.set(cells.join(), meaning);
    }
    return [...meanings.values()].map(({ cells, tags }) => [
      codeOf(key),
      tags.length === byTag.length ? "all" : tags.join(", "),
      ...cells,
    ]);
  });
  return markdownTable(["key", tagName, "value", "default", "meaning"], rows);
}

function valueOf(schema: JsonSchema): string {
  if (schema.enum !== undefined) return schema.enum.map(codeOf).join(", ");
  if (schema.const !== undefined) return codeOf(schema.const);
  if (schema.mark !== undefined) return MARKS[schema.mark];
  if (schema.anyOf !== undefined) return schema.anyOf.map(valueOf).join(" or ");
  if (schema.items !== undefined) return `list: ${valueOf(schema.items)}`;
  if (schema.patternProperties !== undefined) return "by name";
  if (schema.type === "integer") return rangeOf(schema);
  if (schema.pattern !== undefined) return PATTERNS[schema.pattern] ?? "text";
  if (schema.type === "boolean") return "`true`, `false`";
  return schema.type === "string" ? "text" : "keys";
}

function rangeOf({ minimum, maximum }: JsonSchema): string {
  return minimum === undefined || maximum === undefined
    ? "integer"
    : `${minimum} to ${maximum.toLocaleString("en")}`;
}

function defaultOf(schema: JsonSchema, isRequired: boolean): string {
  if (schema.default === undefined) return isRequired ? "**required**" : "absent";
  return typeof schema.default === "object"
    ? "none"
    : codeOf(JSON.stringify(schema.default).replaceAll('"', ""));
}
