/**
 * The parts of a document that have names of their own and can be read and changed one by one. The name of a vNIC is
 * `<vnic>.<profile>`, that of a listener `<vnic>.<profile>:<port>`.
 */
import { isJsonMap, listOf, tryEntry, type Json, type JsonMap } from "../json.ts";
import type { WrittenDocument } from "./written-document.ts";

export const RESOURCE_KINDS = [
  "servers",
  "profiles",
  "vnics",
  "listeners",
  "certificates",
  "policies",
] as const;
export type ResourceKind = (typeof RESOURCE_KINDS)[number];

export interface Resource {
  readonly name: string;
  /** As written, without defaults. */
  readonly value: JsonMap;
}

/** Returns all resources of a kind, in the order of the document. */
export function resourcesOf(document: WrittenDocument, kind: ResourceKind): readonly Resource[] {
  if (kind === "vnics") {
    return Object.entries(mapOf(document.profiles)).flatMap(([profile, value]) =>
      Object.entries(mapOf(mapOf(value)["vnics"])).map(([vnic, found]) => ({
        name: `${vnic}.${profile}`,
        value: mapOf(found),
      })),
    );
  }
  if (kind === "listeners") {
    return resourcesOf(document, "vnics").flatMap((vnic) =>
      listOf(vnic.value["listeners"]).map((listener) => ({
        name: `${vnic.name}:${portOf(listener)}`,
        value: mapOf(listener),
      })),
    );
  }
  return Object.entries(mapOf(document[kind])).map(([name, value]) => ({
    name,
    value: mapOf(value),
  }));
}

/** Returns the resource as written, or undefined if the document has none of that name. */
export function resourceOf(
  document: WrittenDocument,
  kind: ResourceKind,
  name: string,
): JsonMap | undefined {
  if (kind === "vnics") {
    const [vnic, profile] = vnicPartsOf(name);
    return ownMapOf(ownMapOf(ownMapOf(document.profiles, profile), "vnics"), vnic);
  }
  if (kind === "listeners") {
    const [vnicName, port] = listenerPartsOf(name);
    const listeners = listOf(resourceOf(document, "vnics", vnicName)?.["listeners"]);
    return listeners.map(mapOf).find((listener) => portOf(listener) === port);
  }
  return ownMapOf(document[kind], name);
}

/**
 * Returns the document with another value of one resource, or without the resource if `value` is undefined. The value is not
 * checked, and the result is not in normal form. Returns undefined if the document does not have what contains the resource: the
 * profile of a vNIC, or the vNIC of a listener.
 */
export function withResource(
  document: WrittenDocument,
  kind: ResourceKind,
  name: string,
  value: Json | undefined,
): WrittenDocument | undefined {
  if (kind === "vnics") {
    const [vnic, profileName] = vnicPartsOf(name);
    const profile = resourceOf(document, "profiles", profileName);
    if (profile === undefined) return undefined;
    const vnics = withEntry(mapOf(profile["vnics"]), vnic, value);
    return withResource(document, "profiles", profileName, { ...profile, vnics });
  }
  if (kind === "listeners") {
    const [vnicName, port] = listenerPartsOf(name);
    const vnic = resourceOf(document, "vnics", vnicName);
    if (vnic === undefined) return undefined;
    const others = listOf(vnic["listeners"]).filter((listener) => portOf(listener) !== port);
    const listeners = value === undefined ? others : [...others, value];
    return withResource(document, "vnics", vnicName, { ...vnic, listeners });
  }
  return { ...document, [kind]: withEntry(mapOf(document[kind]), name, value) };
}

const mapOf = (value: Json | undefined): JsonMap => (isJsonMap(value) ? value : {});

const portOf = (listener: Json): string => JSON.stringify(mapOf(listener)["port"] ?? null);

function ownMapOf(map: JsonMap | undefined, key: string): JsonMap | undefined {
  const value = map && tryEntry(map, key);
  return isJsonMap(value) ? value : undefined;
}

function withEntry(map: JsonMap, key: string, value: Json | undefined): JsonMap {
  const entries = Object.entries(map);
  // `__proto__` is an ordinary key here, because fromEntries defines properties instead of assigning them.
  if (value === undefined) return Object.fromEntries(entries.filter(([name]) => name !== key));
  if (!Object.hasOwn(map, key)) return Object.fromEntries([...entries, [key, value]]);
  return Object.fromEntries(entries.map(([name, old]) => [name, name === key ? value : old]));
}

/** A name without the separator has an empty second part, which no resource has. */
function vnicPartsOf(name: string): readonly [vnic: string, profile: string] {
  const dot = name.indexOf(".");
  return dot === -1 ? [name, ""] : [name.slice(0, dot), name.slice(dot + 1)];
}

function listenerPartsOf(name: string): readonly [vnicName: string, port: string] {
  const colon = name.lastIndexOf(":");
  return colon === -1 ? [name, ""] : [name.slice(0, colon), name.slice(colon + 1)];
}
