/**
 * Helpers for the schemas of messages between processes and of admin API replies, and for the types of these schemas.
 */
import Type, { type Static, type TProperties, type TSchema } from "typebox";

type Frozen<Value> = Value extends string | number | boolean | null | undefined
  ? Value
  : Value extends readonly (infer Item)[]
    ? readonly Frozen<Item>[]
    : { readonly [Key in keyof Value]: Frozen<Value[Key]> };

/** The type of the values that a schema describes, readonly throughout. */
export type ShapeOf<Schema extends TSchema> = Frozen<Static<Schema>>;

/** Returns the schema of an object that has these properties and no others. */
export const shape = <Properties extends TProperties>(
  properties: Properties,
  description: string,
) => Type.Object(properties, { additionalProperties: false, description });

export const text = (description: string, bounds: { readonly maxLength?: number } = {}) =>
  Type.String({ ...bounds, description });

export const texts = (
  description: string,
  bounds: { readonly maxLength?: number; readonly maxItems?: number } = {},
) => {
  const { maxLength, ...rest } = bounds;
  const item = Type.String(maxLength === undefined ? {} : { maxLength });
  return Type.Array(item, { ...rest, description });
};

export const count = (description: string, bounds: { readonly maximum?: number } = {}) =>
  Type.Integer({ minimum: 0, maximum: Number.MAX_SAFE_INTEGER, ...bounds, description });

export const oneOf = <Value extends string>(values: readonly Value[], description: string) =>
  Type.Enum<Value[]>([...values], { description });
