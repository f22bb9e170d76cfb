/** The written document as a tree in which everything that has a name, and every listener, has a key. */
import { isJsonMap, tryEntry, type Json } from "../json.ts";

/**
 * The keys that lead to a part of the document. The key of a listener is its port:
 * `["profiles", "shop", "vnics", "front", "listeners", "8443", "to"]`.
 */
export type Keys = readonly string[];

export const isListenerList = ({ length, 0: top, 2: vnics, 4: listeners }: Keys): boolean =>
  length === 5 && top === "profiles" && vnics === "vnics" && listeners === "listeners";

/**
 * Whether the keys lead to a collection: a map of names of the document or of a profile, or the listeners of a vNIC. A
 * collection exists if its owner does, and the written document leaves it out if it is empty.
 */
const isCollection = (keys: Keys): boolean =>
  keys.length === 1 ||
  (keys.length === 3 && keys[0] === "profiles" && keys[2] === "vnics") ||
  isListenerList(keys);

/** Returns 0 for a value that is not a listener of an accepted document. */
export const portOf = (listener: unknown): number => {
  const port = isJsonMap(listener) ? tryEntry(listener, "port") : undefined;
  return typeof port === "number" ? port : 0;
};

/** Returns the parts of a value by key, or undefined if it has none. A list other than that of listeners has no parts. */
export function tryParts(
  keys: Keys,
  value: Json | undefined,
): ReadonlyMap<string, Json> | undefined {
  if (value === undefined) return isCollection(keys) ? new Map() : undefined;
  if (isListenerList(keys) && Array.isArray(value)) {
    return new Map(value.map((listener: Json) => [String(portOf(listener)), listener]));
  }
  return isJsonMap(value) ? new Map(Object.entries(value)) : undefined;
}

/** Returns the value that has these parts, or undefined for an empty collection. */
export function valueOfParts(keys: Keys, parts: ReadonlyMap<string, Json>): Json | undefined {
  if (parts.size === 0 && isCollection(keys)) return undefined;
  return isListenerList(keys)
    ? [...parts.values()].toSorted((one, other) => portOf(one) - portOf(other))
    : Object.fromEntries(parts);
}

/** Returns the part of a document to which the keys lead. */
export function tryPart(document: Json | undefined, keys: Keys): Json | undefined {
  return keys.reduce<Json | undefined>(
    (value, key, at) => tryParts(keys.slice(0, at), value)?.get(key),
    document,
  );
}
