import { isDeepStrictEqual } from "node:util";
import { listenersOfVnic, vnicsOf } from "#model/document/document-listeners.ts";
import type { Document } from "#model/document/document.ts";
import { trustKeyOf, type Sources } from "./certificates/sources.ts";
import { controlModeOf } from "./control-mode.ts";

/** The parts of a document that have names. A change of a named part does not count as a change of the part around it. */
type Kind = "servers" | "profiles" | "vnics" | "listeners" | "certificates" | "policies";

/** Names in the order of the document, at most 100 in each list. */
export interface NameLists {
  readonly added: readonly string[];
  readonly removed: readonly string[];
  readonly changed: readonly string[];
}

export interface ChangeDifference extends Readonly<Record<Kind, NameLists>> {
  /** How many names the lists leave out. */
  readonly unnamed: number;
}

const NONE: NameLists = { added: [], removed: [], changed: [] };
export const NO_DIFFERENCE: ChangeDifference = {
  servers: NONE,
  profiles: NONE,
  vnics: NONE,
  listeners: NONE,
  certificates: NONE,
  policies: NONE,
  unnamed: 0,
};

export interface NamedState {
  readonly document: Document;
  readonly sources: Sources;
}

const MAX_NAMES = 100;

/** Returns the names of what differs between two states. New contents of a file change the part that names the file. */
export function differenceOf(before: NamedState | undefined, after: NamedState): ChangeDifference {
  const [old, next] = [before && partsOf(before), partsOf(after)];
  let unnamed = 0;
  const bounded = (names: readonly string[]): readonly string[] => {
    unnamed += Math.max(0, names.length - MAX_NAMES);
    return names.slice(0, MAX_NAMES);
  };
  const listsOf = (kind: Kind): NameLists => {
    const [known, wanted] = [old?.[kind] ?? new Map<string, unknown>(), next[kind]];
    const isChanged = ([name, part]: readonly [string, unknown]): boolean =>
      known.has(name) && !isDeepStrictEqual(known.get(name), part);
    return {
      added: bounded([...wanted.keys()].filter((name) => !known.has(name))),
      removed: bounded([...known.keys()].filter((name) => !wanted.has(name))),
      changed: bounded([...wanted].filter(isChanged).map(([name]) => name)),
    };
  };
  return {
    servers: listsOf("servers"),
    profiles: listsOf("profiles"),
    vnics: listsOf("vnics"),
    listeners: listsOf("listeners"),
    certificates: listsOf("certificates"),
    policies: listsOf("policies"),
    // Must be last: the lists above increment it.
    unnamed,
  };
}

type Parts = Readonly<Record<Kind, Map<string, unknown>>>;

/** Returns each named part without the named parts inside it, and with the versions of the files that it names. */
function partsOf({ document, sources }: NamedState): Parts {
  const trustIdOf = (ca: string | undefined, crl?: string): string | undefined =>
    ca === undefined ? undefined : sources.trusts.get(trustKeyOf(ca, crl))?.id;
  const parts: Parts = {
    servers: new Map(Object.entries(document.servers)),
    profiles: new Map(),
    vnics: new Map(),
    listeners: new Map(),
    certificates: new Map(),
    policies: new Map(),
  };
  for (const [name, { vnics: _, ...profile }] of Object.entries(document.profiles)) {
    parts.profiles.set(name, profile);
  }
  for (const place of vnicsOf(document)) {
    const { listeners: _, ...vnic } = place.vnic;
    parts.vnics.set(place.name, vnic);
    for (const { name, listener } of listenersOfVnic(place)) {
      const trusts = controlModeOf(listener).endpointTrustsOf(listener);
      parts.listeners.set(name, [listener, trusts.map(({ ca }) => trustIdOf(ca))]);
    }
  }
  for (const [name, certificate] of Object.entries(document.certificates)) {
    parts.certificates.set(name, [certificate, sources.certificates.get(name)?.id]);
  }
  for (const [name, policy] of Object.entries(document.policies)) {
    const { ca, crl } = policy.clientAuth;
    parts.policies.set(name, [policy, trustIdOf(ca, crl)]);
  }
  return parts;
}
