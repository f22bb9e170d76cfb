/** Splits a document into the entries that are stored, by their keys, and joins them. */
import { canonicalJson } from "#model/canonical-json.ts";
import type { Keys } from "#model/document/document-tree.ts";
import type { WrittenDocument } from "#model/document/written-document.ts";
import { DirectorError } from "#model/failure.ts";
import type { Json, JsonMap } from "#model/json.ts";
import { frozen, Remembered } from "#model/remembered.ts";

const KINDS = ["servers", "certificates", "policies"] as const;

/**
 * Returns the JSON text of each server, certificate, policy, vNIC with its listeners, and profile without its vNICs. The keys
 * are `servers/web-1`, `vnics/shop/front` and so on.
 */
export function entriesOf(document: WrittenDocument): ReadonlyMap<string, string> {
  const entries = new Map<string, string>();
  for (const kind of KINDS) {
    for (const [name, value] of Object.entries(document[kind] ?? {})) {
      entries.set(`${kind}/${name}`, TEXTS.of(mapOf(value)));
    }
  }
  for (const [name, profile] of Object.entries(document.profiles ?? {})) {
    for (const [key, text] of entriesOfProfile(name, mapOf(profile))) entries.set(key, text);
  }
  return entries;
}

/** Parts of documents never change, so each is written as text once. */
const TEXTS = new Remembered((part: JsonMap) => canonicalJson(part));

interface ProfileEntries {
  readonly name: string;
  readonly entries: readonly (readonly [key: string, text: string])[];
}

const PROFILES = new WeakMap<JsonMap, ProfileEntries>();

function entriesOfProfile(name: string, profile: JsonMap): ProfileEntries["entries"] {
  const known = PROFILES.get(profile);
  if (known?.name === name) return known.entries;
  const { vnics = {}, ...rest } = frozen(profile);
  const entries = [
    [`profiles/${name}`, canonicalJson(rest)] as const,
    ...Object.entries(mapOf(vnics)).map(
      ([vnic, value]) => [`vnics/${name}/${vnic}`, TEXTS.of(mapOf(value))] as const,
    ),
  ];
  PROFILES.set(profile, { name, entries });
  return entries;
}

/** Returns the keys that lead to an entry in the document. */
export function keysOfEntry(entry: string): Keys {
  const [, kind = "", rest = ""] = /^([a-z]+)\/(.*)$/s.exec(entry) ?? [];
  if (kind !== "vnics") return [kind, rest];
  const at = rest.indexOf("/");
  return ["profiles", rest.slice(0, at), "vnics", rest.slice(at + 1)];
}

/** Whether a change of what is at the path of a document changes the entry, or can change it. */
export function isEntryOfPath(key: string, [section = "", name]: Keys): boolean {
  if (name === undefined) return true;
  return section === "profiles"
    ? key === `profiles/${name}` || key.startsWith(`vnics/${name}/`)
    : key === `${section}/${name}`;
}

const CERTIFICATE = "certificates/";

/** Returns the name of the certificate that an entry is of, or undefined if it is of something else. */
export const certificateOfEntry = (key: string): string | undefined =>
  key.startsWith(CERTIFICATE) ? key.slice(CERTIFICATE.length) : undefined;

/** Returns the document without empty maps of names. Throws DirectorError `state-damaged` if entries do not fit together. */
function documentOf(entries: ReadonlyMap<string, Json>): WrittenDocument {
  const named = new Map<string, Map<string, Json>>();
  const vnics = new Map<string, Map<string, Json>>();
  for (const [key, value] of entries) {
    const [, kind = "", name = "", vnic] = /^([a-z]+)\/([^/]*)(?:\/(.*))?$/s.exec(key) ?? [];
    if (kind === "vnics" && vnic !== undefined) add(vnics, name, vnic, value);
    else add(named, kind, key.slice(kind.length + 1), value);
  }
  const profiles = named.get("profiles") ?? new Map<string, Json>();
  for (const [profile, own] of vnics) {
    const rest = profiles.get(profile);
    if (rest === undefined) {
      throw new DirectorError("state-damaged", `There is no profile ${JSON.stringify(profile)}.`);
    }
    profiles.set(profile, { ...mapOf(rest), vnics: sortedMapOf(own) });
  }
  return Object.fromEntries([...named].map(([kind, values]) => [kind, sortedMapOf(values)]));
}

export const documentOfTexts = (texts: ReadonlyMap<string, string>): WrittenDocument =>
  documentOf(new Map([...texts].map(([key, text]) => [key, JSON.parse(text) as Json])));

function add(maps: Map<string, Map<string, Json>>, name: string, key: string, value: Json): void {
  const map = maps.get(name);
  if (map === undefined) maps.set(name, new Map([[key, value]]));
  else map.set(key, value);
}

const sortedMapOf = (values: ReadonlyMap<string, Json>): JsonMap =>
  Object.fromEntries([...values].toSorted(([one], [other]) => (one < other ? -1 : 1)));

const mapOf = (value: Json): JsonMap => value as JsonMap;
