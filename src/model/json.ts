/** A value of RFC 8259. */
export type Json = string | number | boolean | null | readonly Json[] | JsonMap;
export interface JsonMap {
  readonly [key: string]: Json;
}

export const isJsonMap = (value: unknown): value is JsonMap =>
  typeof value === "object" && value !== null && !Array.isArray(value);

/** Returns the list, or an empty one if the value is none. */
export const listOf = (value: Json | undefined): readonly Json[] =>
  Array.isArray(value) ? value : [];

/** Returns the value of an own key. A document can have a key such as `constructor`, which every object inherits. */
export const tryEntry = <Value>(
  map: Readonly<Record<string, Value>>,
  key: string,
): Value | undefined => (Object.hasOwn(map, key) ? map[key] : undefined);

/** Compares two values. The order of the keys of a map does not count. */
export function isSameJson(left: Json | undefined, right: Json | undefined): boolean {
  if (left === right) return true;
  if (isList(left) && isList(right)) {
    return left.length === right.length && left.every((item, at) => isSameJson(item, right[at]));
  }
  if (!isJsonMap(left) || !isJsonMap(right)) return false;
  const keys = Object.keys(left);
  return (
    keys.length === Object.keys(right).length &&
    keys.every((key) => Object.hasOwn(right, key) && isSameJson(left[key], right[key]))
  );
}

/** Compares two values, and the order of the keys of their maps. */
export function isSameText(left: Json | undefined, right: Json | undefined): boolean {
  if (left === right) return true;
  if (isList(left) && isList(right)) {
    return left.length === right.length && left.every((item, at) => isSameText(item, right[at]));
  }
  if (!isJsonMap(left) || !isJsonMap(right)) return false;
  const keys = Object.keys(left);
  const others = Object.keys(right);
  return (
    keys.length === others.length &&
    keys.every((key, at) => key === others[at] && isSameText(left[key], right[key]))
  );
}

const isList = (value: Json | undefined): value is readonly Json[] => Array.isArray(value);
