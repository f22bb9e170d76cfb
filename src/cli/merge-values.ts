import { resolve } from "node:path";
import { isJsonMap, type Json, type JsonMap } from "#model/json.ts";
import { mergedKeys, type KeyOrder } from "./key-order.ts";

/** Start-up settings are in files only. */
const KEPT = "director";

/**
 * Returns `wanted` with its keys and its listeners in the order in which `present` has them. The order of listeners has no meaning.
 * A relative path of `present` is kept if it resolves to the path in `wanted`. `director` is kept unless `wanted` has one.
 */
export function mergeValues(
  present: JsonMap,
  wanted: JsonMap,
  folder: string,
  order: KeyOrder,
): JsonMap {
  const all = { ...wanted };
  if (present[KEPT] !== undefined && wanted[KEPT] === undefined) all[KEPT] = present[KEPT];
  return mergeMap(present, all, folder, order);
}

function mergeMap(present: JsonMap, wanted: JsonMap, folder: string, order: KeyOrder): JsonMap {
  const kept = Object.keys(present).filter((key) => Object.hasOwn(wanted, key));
  const added = Object.keys(wanted).filter((key) => !Object.hasOwn(present, key));
  const entries = mergedKeys(kept, added, order).map((key) => {
    const own = Object.hasOwn(present, key) ? present[key] : undefined;
    return [key, mergeValue(own, wanted[key] ?? null, folder, order.below(key))] as const;
  });
  return Object.fromEntries(entries);
}

function mergeValue(
  present: Json | undefined,
  wanted: Json,
  folder: string,
  order: KeyOrder,
): Json {
  if (isJsonMap(present) && isJsonMap(wanted)) return mergeMap(present, wanted, folder, order);
  if (Array.isArray(present) && Array.isArray(wanted)) {
    return mergeList(present, wanted as readonly Json[], folder, order.below(0));
  }
  const isPath = typeof present === "string" && typeof wanted === "string";
  return isPath && wanted.startsWith("/") && resolve(folder, present) === wanted ? present : wanted;
}

function mergeList(
  present: readonly Json[],
  wanted: readonly Json[],
  folder: string,
  order: KeyOrder,
): readonly Json[] {
  const ports = present.map(portOf);
  const isOfListeners =
    [...present, ...wanted].every((item) => portOf(item) !== undefined) &&
    new Set(wanted.map(portOf)).size === wanted.length;
  if (!isOfListeners) {
    return wanted.map((item, at) => mergeValue(present[at], item, folder, order));
  }
  const rank = (item: Json): number => {
    const at = ports.indexOf(portOf(item));
    return at === -1 ? ports.length : at;
  };
  return wanted
    .toSorted((one, other) => rank(one) - rank(other))
    .map((item) => mergeValue(present[rank(item)], item, folder, order));
}

/** Returns the port of a listener. */
export const portOf = (item: unknown): Json | undefined =>
  isJsonMap(item) ? item["port"] : undefined;
