import Type, { type TProperties } from "typebox";
import { resourceOf, type ResourceKind } from "#model/document/resources.ts";
import type { WrittenDocument } from "#model/document/written-document.ts";
import { serverNameOf } from "#model/document/server-entry.ts";
import { listOf } from "#model/json.ts";
import { matchesPattern } from "#model/name-pattern.ts";

export interface ListFilter {
  readonly name?: string;
  readonly profile?: string;
  readonly server?: string;
}

const filter = (description: string) =>
  Type.Optional(
    Type.String({
      minLength: 1,
      maxLength: 1_024,
      description: `${description} \`*\` stands for any characters.`,
    }),
  );

const byName = { name: filter("Only resources of this name.") };
const byProfile = { profile: filter("Only those of this profile.") };
const byServer = {
  server: filter("Only those of profiles that name this server, also as a standby."),
};

/** The filters of the list of each kind. */
export const ListFilters: Readonly<Record<ResourceKind, TProperties>> = {
  servers: byName,
  profiles: { ...byName, ...byServer },
  vnics: { ...byName, ...byProfile, ...byServer },
  listeners: { ...byName, ...byProfile, ...byServer },
  certificates: byName,
  policies: byName,
};

/** Returns a test of the names of resources. */
export function filterOf(
  { name: pattern, profile, server }: ListFilter,
  kind: ResourceKind,
  document: WrittenDocument,
): (name: string) => boolean {
  return (name) => {
    if (pattern !== undefined && !matchesPattern(pattern, name)) return false;
    if (profile === undefined && server === undefined) return true;
    const owner = profileOf(kind, name);
    if (profile !== undefined && !matchesPattern(profile, owner)) return false;
    return server === undefined || livesOn(document, owner, server);
  };
}

/** Returns the name of the profile of a profile, a vNIC or a listener. */
function profileOf(kind: ResourceKind, name: string): string {
  if (kind === "profiles") return name;
  const [, profile = ""] = name.replace(/:\d+$/, "").split(".");
  return profile;
}

function livesOn(document: WrittenDocument, profile: string, server: string): boolean {
  const { servers, standby } = resourceOf(document, "profiles", profile) ?? {};
  const names = [...listOf(servers), ...listOf(standby)];
  return names.some((entry) => matchesPattern(server, serverNameOf(entry)));
}
