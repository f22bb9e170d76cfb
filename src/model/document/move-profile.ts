/** How profiles change their servers as a whole. */
import { isJsonMap, listOf, type Json, type JsonMap } from "../json.ts";
import { resourceOf, withResource } from "./resources.ts";
import { serverNameOf } from "./server-entry.ts";
import type { WrittenDocument } from "./written-document.ts";

/**
 * Returns the document in which the profile lives on these servers and on no other. A server that is a server or a standby of the
 * profile already keeps its entry, and is no standby any more. Returns undefined if the document has no such profile.
 */
export function withMovedProfile(
  document: WrittenDocument,
  profile: string,
  to: readonly string[],
): WrittenDocument | undefined {
  const found = resourceOf(document, "profiles", profile);
  if (found === undefined) return undefined;
  const entries = entriesByName([...listOf(found["standby"]), ...listOf(found["servers"])]);
  const servers = to.map((server) => entries.get(server) ?? server);
  const standby = listOf(found["standby"]).filter((entry) => !to.includes(serverNameOf(entry)));
  return withLists(document, profile, found, servers, standby);
}

/**
 * Returns the document in which `by` takes the place of the server in every profile. Where `by` is in the same list already, its
 * entry stays; where it is a standby of a profile that it now serves, its entry moves. Otherwise it gets the weight of the server,
 * and not its ports, because they belong to the programs of that server.
 */
export function withAdoptedServer(
  document: WrittenDocument,
  server: string,
  by: string,
): WrittenDocument {
  return Object.entries(document.profiles ?? {}).reduce<WrittenDocument>(
    (changed, [name, profile]) => {
      if (!isJsonMap(profile)) return changed;
      const [servers, standby] = [listOf(profile["servers"]), listOf(profile["standby"])];
      const own = entriesByName([...standby, ...servers]).get(by);
      const adopted = (list: readonly Json[]): readonly Json[] => {
        if (!list.some((entry) => serverNameOf(entry) === server)) return list;
        if (list.some((entry) => serverNameOf(entry) === by))
          return list.filter((entry) => serverNameOf(entry) !== server);
        return list.map((entry) =>
          serverNameOf(entry) === server ? (own ?? withWeightOf(entry, by)) : entry,
        );
      };
      const serving = adopted(servers);
      const isServing = serving.some((entry) => serverNameOf(entry) === by);
      const waiting = adopted(standby).filter((entry) => !isServing || serverNameOf(entry) !== by);
      return withLists(changed, name, profile, serving, waiting) ?? changed;
    },
    document,
  );
}

function withLists(
  document: WrittenDocument,
  name: string,
  profile: JsonMap,
  servers: readonly Json[],
  standby: readonly Json[],
): WrittenDocument | undefined {
  const lists = Object.entries({ servers, standby }).filter(
    ([key, list]) => list.length > 0 || profile[key] !== undefined,
  );
  return withResource(document, "profiles", name, { ...profile, ...Object.fromEntries(lists) });
}

function withWeightOf(entry: Json, server: string): Json {
  const weight = isJsonMap(entry) ? entry["weight"] : undefined;
  return weight === undefined ? server : { server, weight };
}

/** Returns the entries by the names of their servers. If two entries name the same server, the result has the later one. */
const entriesByName = (entries: readonly Json[]): ReadonlyMap<string, Json> =>
  new Map(entries.map((entry) => [serverNameOf(entry), entry]));
