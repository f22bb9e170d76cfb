/** Schema 1: the document with all defaults filled in, and with paths relative to the folder of its file. */
import { canonicalJson } from "../../canonical-json.ts";
import { isJsonMap, type Json, type JsonMap } from "../../json.ts";
import type { WrittenDocument } from "../written-document.ts";
import {
  CERTIFICATE_DEFAULTS,
  LISTENER_DEFAULTS,
  POLICY_DEFAULTS,
  PROFILE_DEFAULTS,
  VNIC_DEFAULTS,
  type Defaults,
} from "./schema-1-defaults.ts";

type AbsolutePathOf = (path: string) => string;
type Entries = readonly (readonly [string, Json])[];

/** Removes the defaults of schema 1 and makes the paths absolute. A part that is not as schema 1 has it stays as it is. */
export function fromSchema1(document: JsonMap, absolutePathOf: AbsolutePathOf): WrittenDocument {
  return named({
    servers: document["servers"],
    profiles: mapped(document["profiles"], (profile) => profileOf(profile, absolutePathOf)),
    certificates: mapped(document["certificates"], (certificate) =>
      withAbsolute(
        withoutDefaults(certificate, CERTIFICATE_DEFAULTS),
        ["chain", "key", "passphraseFile"],
        absolutePathOf,
      ),
    ),
    policies: mapped(document["policies"], (policy) => policyOf(policy, absolutePathOf)),
  });
}

function profileOf(profile: JsonMap, absolutePathOf: AbsolutePathOf): JsonMap {
  const { vnics, ...rest } = withoutDefaults(profile, PROFILE_DEFAULTS);
  return { ...rest, ...named({ vnics: mapped(vnics, (vnic) => vnicOf(vnic, absolutePathOf)) }) };
}

function vnicOf(vnic: JsonMap, absolutePathOf: AbsolutePathOf): JsonMap {
  const { listeners, ...rest } = withoutDefaults(vnic, VNIC_DEFAULTS);
  if (listeners === undefined) return rest;
  if (!isList(listeners)) return { ...rest, listeners };
  const written = listeners.map((listener) =>
    isJsonMap(listener) ? listenerOf(listener, absolutePathOf) : listener,
  );
  return { ...rest, listeners: written.toSorted((one, other) => portOf(one) - portOf(other)) };
}

function listenerOf(listener: JsonMap, absolutePathOf: AbsolutePathOf): JsonMap {
  const { endpointTls, ...rest } = withoutDefaults(listener, LISTENER_DEFAULTS);
  if (endpointTls === undefined) return rest;
  if (!isJsonMap(endpointTls)) return { ...rest, endpointTls };
  return { ...rest, endpointTls: withAbsolute(endpointTls, ["ca"], absolutePathOf) };
}

function policyOf(policy: JsonMap, absolutePathOf: AbsolutePathOf): JsonMap {
  const { clientAuth, ...rest } = withoutDefaults(policy, POLICY_DEFAULTS);
  if (clientAuth === undefined) return rest;
  if (!isJsonMap(clientAuth)) return { ...rest, clientAuth };
  return { ...rest, clientAuth: withAbsolute(clientAuth, ["ca", "crl"], absolutePathOf) };
}

function withoutDefaults(map: JsonMap, { values, filled, optional }: Defaults): JsonMap {
  const entries = Object.entries(map).flatMap(([key, value]): Entries => {
    const own = Object.hasOwn(values, key) ? values[key] : undefined;
    if (own !== undefined && canonicalJson(own) === canonicalJson(value)) return [];
    const inner = tryOwn(filled, key) ?? tryOwn(optional, key);
    if (inner === undefined || !isJsonMap(value)) return [[key, value]];
    const left = withoutDefaults(value, inner);
    return Object.keys(left).length === 0 && tryOwn(filled, key) !== undefined ? [] : [[key, left]];
  });
  return Object.fromEntries(entries);
}

const tryOwn = (
  defaults: Readonly<Record<string, Defaults>> | undefined,
  key: string,
): Defaults | undefined =>
  defaults !== undefined && Object.hasOwn(defaults, key) ? defaults[key] : undefined;

function withAbsolute(
  map: JsonMap,
  keys: readonly string[],
  absolutePathOf: AbsolutePathOf,
): JsonMap {
  return Object.fromEntries(
    Object.entries(map).map(([key, value]) => [
      key,
      keys.includes(key) && typeof value === "string" ? absolutePathOf(value) : value,
    ]),
  );
}

function mapped(value: Json | undefined, each: (entry: JsonMap) => JsonMap): Json | undefined {
  if (value === undefined || !isJsonMap(value)) return value;
  return Object.fromEntries(
    Object.entries(value).map(([name, entry]) => [name, isJsonMap(entry) ? each(entry) : entry]),
  );
}

/** Leaves out what is absent and maps of names that are empty. */
const named = (maps: Readonly<Record<string, Json | undefined>>): JsonMap =>
  Object.fromEntries(
    Object.entries(maps).flatMap(([key, value]): Entries => {
      const isEmpty = value === undefined || (isJsonMap(value) && Object.keys(value).length === 0);
      return isEmpty ? [] : [[key, value]];
    }),
  );

const portOf = (listener: Json): number => {
  const port = isJsonMap(listener) ? listener["port"] : undefined;
  return typeof port === "number" ? port : 0;
};

const isList = (value: Json): value is readonly Json[] => Array.isArray(value);
