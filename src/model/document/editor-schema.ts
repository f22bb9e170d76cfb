/** The JSON Schema of the document, for editors. */
import type { TSchema } from "typebox";
import { isUnionNode, tagOf, type SchemaNode, type UnionNode } from "./discriminated-union.ts";
import { DocumentSchema } from "./document.ts";

const DIALECT = "https://json-schema.org/draft/2020-12/schema";
const ID = "urn:tls-director:document";

/** Keywords that are not of JSON Schema. They only concern the program. */
const OWN_KEYWORDS = ["discriminator", "mark"];
const MAPS_OF_SCHEMAS = ["properties", "patternProperties"];
const BRANCHES = ["if", "then", "else"];

/**
 * Returns the schema of a document as an operator writes it, in draft 2020-12. The schema of the program describes a document
 * in which defaults are filled in, so there every key with a default is required.
 */
export const editorSchema = (): object => ({
  $schema: DIALECT,
  $id: ID,
  title: "The document of TLS Director",
  ...writtenSchemaOf(DocumentSchema as TSchema),
});

/** The value of the key that chooses a branch of a union, if the key is left out. */
interface DefaultTag {
  readonly key: string;
  readonly value: unknown;
}

function writtenSchemaOf(node: SchemaNode, around?: DefaultTag): Readonly<Record<string, unknown>> {
  const { shortKey, ...long } = node;
  const short = shortKey === undefined ? undefined : node.properties?.[shortKey];
  if (short !== undefined) {
    const { description } = node;
    return { description, anyOf: [short, long].map((each) => writtenSchemaOf(each)) };
  }
  const tag = isUnionNode(node) ? defaultTagOf(node) : around;
  const entries = Object.entries(node).flatMap(([keyword, value]): [string, unknown][] => {
    if (OWN_KEYWORDS.includes(keyword)) return [];
    if (keyword === "isUnique") return [["uniqueItems", value]];
    if (keyword === "required") {
      const required = (value as readonly string[]).filter((key) => !isOptional(node, key, tag));
      return required.length === 0 ? [] : [[keyword, required]];
    }
    if (MAPS_OF_SCHEMAS.includes(keyword)) {
      const schemas = Object.entries(value as Readonly<Record<string, SchemaNode>>);
      const written = schemas.map(([key, schema]) => [key, writtenSchemaOf(schema)]);
      return [[keyword, Object.fromEntries(written)]];
    }
    if (BRANCHES.includes(keyword)) return [[keyword, writtenSchemaOf(value as SchemaNode, tag)]];
    if (keyword === "items") return [[keyword, writtenSchemaOf(value as SchemaNode)]];
    if (keyword === "anyOf") {
      return [[keyword, (value as readonly SchemaNode[]).map((each) => writtenSchemaOf(each))]];
    }
    return [[keyword, value]];
  });
  return Object.fromEntries(entries);
}

function isOptional({ properties }: SchemaNode, key: string, tag: DefaultTag | undefined): boolean {
  const property = properties?.[key];
  return property?.default !== undefined || (key === tag?.key && property?.const === tag.value);
}

function defaultTagOf(union: UnionNode): DefaultTag {
  const { propertyName: key } = union.discriminator;
  return { key, value: tagOf(union, {}) };
}
