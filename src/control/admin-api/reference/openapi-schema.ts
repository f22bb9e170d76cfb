import type { TSchema } from "typebox";
import {
  branchesOf,
  isUnionNode,
  tryBranchOf,
  type SchemaNode,
  type UnionNode,
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
  /** The JSON of the branches that apply to a value without the key that chooses the branch. */
  readonly #defaults: ReadonlySet<string>;

  constructor(named: NamedSchemas) {
    this.#named = named;
    this.#defaults = new Set(
      Object.values(named).flatMap((schema) => {
        const branch = isUnionNode(schema) ? tryBranchOf(schema, {}) : undefined;
        return branch === undefined ? [] : [JSON.stringify(branch)];
      }),
    );
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
   * A discriminator of OpenAPI would have to be required. Each branch but that of the default requires the key, so `oneOf` alone
   * tells them apart.
   */
  #unionOf(union: UnionNode): JsonMap {
    const { description = "" } = union;
    return { description, oneOf: branchesOf(union).map((branch) => this.schemaOf(branch)) };
  }

  #plainOf(schema: SchemaNode): JsonMap {
    const { shortKey, ...long } = schema;
    const short = shortKey === undefined ? undefined : schema.properties?.[shortKey];
    if (short !== undefined) return { anyOf: [this.schemaOf(short), this.schemaOf(long)] };
    const isDefault = this.#defaults.has(JSON.stringify(schema));
    const entries = Object.entries<Json>(schema as JsonMap).flatMap(([key, value]) => {
      if (OWN_KEYWORDS.includes(key)) return [];
      if (key === "isUnique") return [["uniqueItems", value] as const];
      if (key === "required") return requiredOf(schema, value, isDefault);
      return [[key, this.#keywordOf(key, value)] as const];
    });
    return Object.fromEntries(entries);
  }

  #keywordOf(key: string, value: Json): Json {
    if (key === "properties" || key === "patternProperties") return this.#mapOf(value);
    if (key === "items" && isJsonMap(value)) return this.schemaOf(value);
    if ((key === "anyOf" || key === "allOf") && Array.isArray(value)) {
      return value.map((one) => this.schemaOf(one as TSchema));
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

/** What has a default need not be sent. In the default branch of a union, that is true of the key that chooses the branch. */
function requiredOf(
  { properties = {} }: SchemaNode,
  value: Json,
  isDefault: boolean,
): readonly (readonly [string, Json])[] {
  const keys = (value as readonly string[]).filter((key) => {
    const { default: byDefault, const: tag } = properties[key] ?? {};
    return byDefault === undefined && !(isDefault && tag !== undefined);
  });
  return keys.length === 0 ? [] : [["required", keys]];
}
