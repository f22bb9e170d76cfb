/**
 * Schemas for objects of several kinds. Each kind has its own schema, and the value of one key says which one applies.
 */
import Type, { type TObject, type TSchema } from "typebox";
import { Equal } from "typebox/value";
import type { Mark } from "./marks.ts";

/** The JSON Schema keywords that the document's schemas use for structure. */
export interface SchemaNode extends TSchema {
  readonly description?: string;
  readonly default?: unknown;
  readonly const?: string;
  readonly type?: string;
  readonly properties?: Readonly<Record<string, SchemaNode>>;
  readonly required?: readonly string[];
  readonly patternProperties?: Readonly<Record<string, SchemaNode>>;
  readonly items?: SchemaNode;
  readonly maxItems?: number;
  /**
   * Whether no entry of the list may be there twice. JSON Schema has `uniqueItems`, but typebox takes seconds to find the errors of a
   * long list.
   */
  readonly isUnique?: boolean;
  readonly anyOf?: readonly SchemaNode[];
  readonly mark?: Mark;
  /** A text in place of a map is the value of this key, and the other keys have their defaults. */
  readonly shortKey?: string;
}

/**
 * A chain of conditions in standard JSON Schema. A validator checks only the branch that applies, where `anyOf` would
 * check all branches.
 */
interface Condition extends SchemaNode {
  readonly if: SchemaNode;
  readonly then: SchemaNode;
  readonly else: SchemaNode;
}

export interface UnionNode extends Condition {
  /** The name of this field and its content are those of OpenAPI 3.1. */
  readonly discriminator: { readonly propertyName: string };
}

/**
 * Returns a union whose branches have literals for `key`. `tag` is the schema of that key in the whole union: its
 * values, its default and its description. An object with another value of the key is checked against the keys of all
 * branches together.
 */
export function discriminatedUnion(
  key: string,
  branches: readonly TObject[],
  tag: TSchema,
  description: string,
): UnionNode {
  const otherwise: SchemaNode = Type.Object(
    { ...mergedPropertiesOf(branches), [key]: tag },
    { additionalProperties: false, description },
  );
  const chain = branches.reduceRight<SchemaNode>((rest, branch): Condition => {
    const { [key]: literal } = branch.properties;
    // `then` is the JSON Schema keyword, not a method of a promise.
    // oxlint-disable-next-line unicorn/no-thenable
    return { if: Type.Object({ [key]: literal ?? Type.Never() }), then: branch, else: rest };
  }, otherwise);
  return { ...(chain as Condition), discriminator: { propertyName: key }, description };
}

/** Returns the properties of all objects. Maps that several of them have in different forms are merged too. */
function mergedPropertiesOf(objects: readonly TObject[]): Record<string, TSchema> {
  const isRequiredByAll = (name: string): boolean =>
    objects.every(({ required }) => required.includes(name));
  const forms = new Map<string, Set<TSchema>>();
  for (const { properties } of objects) {
    for (const [name, schema] of Object.entries(properties)) {
      forms.set(name, (forms.get(name) ?? new Set()).add(schema));
    }
  }
  return Object.fromEntries(
    Array.from(forms, ([name, [first = Type.Never(), ...others]]) => {
      const all = [first, ...others].filter((form) => Type.IsObject(form));
      const schema =
        others.length > 0 && all.length > others.length
          ? Type.Object(mergedPropertiesOf(all), optionsOf(first))
          : first;
      return [name, isRequiredByAll(name) ? schema : Type.Optional(schema)];
    }),
  );
}

const optionsOf = ({ description, default: value }: SchemaNode) => ({
  additionalProperties: false,
  ...(description === undefined ? {} : { description }),
  ...(value === undefined ? {} : { default: value }),
});

const isNode = (value: unknown): value is SchemaNode => typeof value === "object" && value !== null;

export const isUnionNode = (schema: unknown): schema is UnionNode =>
  isNode(schema) && Object.hasOwn(schema, "discriminator");

const isCondition = (schema: SchemaNode): schema is Condition => Object.hasOwn(schema, "if");

export function branchesOf(union: UnionNode): readonly SchemaNode[] {
  const branches: SchemaNode[] = [];
  for (let rest: SchemaNode = union; isCondition(rest); rest = rest.else) branches.push(rest.then);
  return branches;
}

/** Returns the schema with the keys of all branches. */
export function otherwiseOf(union: UnionNode): SchemaNode {
  let rest: SchemaNode = union;
  while (isCondition(rest)) rest = rest.else;
  return rest;
}

/**
 * Returns the branch that the discriminator of the value chooses, or the default branch if the value has no
 * discriminator. Returns undefined if no branch matches.
 */
export function tryBranchOf(union: UnionNode, value: unknown): SchemaNode | undefined {
  const tag = tagOf(union, value);
  const { propertyName } = union.discriminator;
  return branchesOf(union).find(({ properties }) => properties?.[propertyName]?.const === tag);
}

/** Returns the discriminator of the value, or the default if the value has none. */
export function tagOf(union: UnionNode, value: unknown): unknown {
  const { propertyName } = union.discriminator;
  const tag = ownOf(value, propertyName);
  return tag === undefined ? otherwiseOf(union).properties?.[propertyName]?.default : tag;
}

/**
 * Returns the object without keys of other branches that have their default values. Such keys have no effect, and
 * documents that were saved by an older version contain them.
 */
export function withoutForeignDefaults(
  union: UnionNode,
  branch: SchemaNode,
  value: Readonly<Record<string, unknown>>,
): Readonly<Record<string, unknown>> {
  const { properties: known } = otherwiseOf(union);
  const isForeignDefault = ([key, given]: readonly [string, unknown]): boolean => {
    if (Object.hasOwn(branch.properties ?? {}, key)) return false;
    const foreign = ownOf(known, key);
    return isNode(foreign) && foreign.default !== undefined && Equal(foreign.default, given);
  };
  return Object.fromEntries(Object.entries(value).filter((entry) => !isForeignDefault(entry)));
}

const ownOf = (value: unknown, key: string): unknown =>
  isNode(value) && Object.hasOwn(value, key)
    ? (value as Readonly<Record<string, unknown>>)[key]
    : undefined;
