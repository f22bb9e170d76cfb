import type { TSchema } from "typebox";
import {
  branchesOf,
  isUnionNode,
  otherwiseOf,
  type SchemaNode,
} from "#model/document/discriminated-union.ts";
import { isJsonMap, type Json, type JsonMap } from "#model/json.ts";

/** Schemas that have names in the OpenAPI document, by name. */
export type NamedSchemas = Readonly<Record<string, TSchema>>;

/** What the document's own schemas have besides JSON Schema. */
const OWN_KEYWORDS: readonly string[] = ["mark", "planned"];

/** Translates schemas of the program to schemas of OpenAPI 3.1, in which a named schema is a reference. */
export class OpenApiSchemas {
  /** By the JSON of the schema, because a schema that is used with another modifier is a copy. */
  readonly #names: ReadonlyMap<string, string>;
  readonly #named: NamedSchemas;

  constructor(named: NamedSchemas) {
    this.#named = named;
    this.#names = new Map(Object.entries(named).map(([name, one]) => [JSON.stringify(one), name]));
  }

  /** The components of the OpenAPI document. */
  components(): Readonly<Record<string, JsonMap>> {
    return Object.fromEntries(
      Object.entries(this.#named).map(([name, schema]) => [name, this.#translated(schema)]),
    );
  }

  schemaOf(schema: TSchema): JsonMap {
    const name = this.#names.get(JSON.stringify(schema));
    return name === undefined ? this.#translated(schema) : { $ref: `#/components/schemas/${name}` };
  }

  #translated(schema: TSchema): JsonMap {
    return isUnionNode(schema) ? this.#unionOf(schema) : this.#plainOf(schema);
  }

  /**
   * A discriminator of OpenAPI would have to be required. The branch of the default does not require it, so `oneOf` alone tells
   * the branches apart.
   */
  #unionOf(union: Parameters<typeof branchesOf>[0]): JsonMap {
    const key = union.discriminator.propertyName;
    const byDefault = otherwiseOf(union).properties?.[key]?.default;
    const oneOf = branchesOf(union).map((branch): JsonMap => {
      const tag = branch.properties?.[key]?.const;
      const translated = this.schemaOf(branch);
      if (tag === undefined || tag === byDefault) return translated;
      return { allOf: [translated, { required: [key] }] };
    });
    const { description = "" } = union;
    return { description, oneOf };
  }

  #plainOf(schema: TSchema): JsonMap {
    const entries = Object.entries(schema as unknown as JsonMap).flatMap(([key, value]) => {
      if (OWN_KEYWORDS.includes(key) || key.startsWith("~")) return [];
      if (key === "required") return requiredOf(schema as SchemaNode, value);
      return [[key, this.#keywordOf(key, value)] as const];
    });
    return Object.fromEntries(entries);
  }

  #keywordOf(key: string, value: Json): Json {
    if (key === "properties" || key === "patternProperties") return this.#mapOf(value);
    if (key === "items" && isJsonMap(value)) return this.schemaOf(value as SchemaNode);
    if ((key === "anyOf" || key === "allOf") && Array.isArray(value)) {
      return value.map((one) => this.schemaOf(one as SchemaNode));
    }
    return value;
  }

  #mapOf(value: Json): Json {
    if (!isJsonMap(value)) return value;
    return Object.fromEntries(
      Object.entries(value).map(([key, one]) => [key, this.schemaOf(one as SchemaNode)]),
    );
  }
}

/** What has a default need not be sent. */
function requiredOf(
  { properties = {} }: SchemaNode,
  value: Json,
): readonly (readonly [string, Json])[] {
  const keys = (value as readonly string[]).filter((key) => properties[key]?.default === undefined);
  return keys.length === 0 ? [] : [["required", keys]];
}
