import type { Json } from "./json.ts";

/** Returns the JSON text of a value with the keys of maps in the order of their UTF-16 code units (RFC 8785). */
export function canonicalJson(value: Json): string {
  if (typeof value !== "object" || value === null) return JSON.stringify(value);
  if (isList(value)) return `[${value.map(canonicalJson).join(",")}]`;
  const members = Object.keys(value)
    .toSorted(byCodeUnits)
    .flatMap((key) => {
      const member = value[key];
      return member === undefined ? [] : [`${JSON.stringify(key)}:${canonicalJson(member)}`];
    });
  return `{${members.join(",")}}`;
}

const isList = (value: object): value is readonly Json[] => Array.isArray(value);

const byCodeUnits = (one: string, other: string): number =>
  one < other ? -1 : Number(one > other);
