import type { Listener } from "#model/document/listener.ts";
import { listedNamesOf, nameRoutesOf, tryRouteKeyOf } from "#model/document/names-option.ts";
import { endpointKeyOf, type SnapshotListener } from "#model/records/snapshot.ts";
import type { ListenerStatus } from "#model/records/status.ts";

/** Returns what is shown of the entries by server name. `compiled` is undefined if the listener is not served. */
export function namesStatusOf(
  listener: Listener,
  profile: string,
  compiled: SnapshotListener | undefined,
): Pick<ListenerStatus, "names" | "routes"> {
  if (!("names" in listener)) return { names: 0, routes: [] };
  const listed = listedNamesOf(listener);
  const counts = new Map<string, number>();
  for (const entry of listed) {
    const key = tryRouteKeyOf(entry, listener);
    if (key !== undefined) counts.set(key, (counts.get(key) ?? 0) + 1);
  }
  const known = compiled !== undefined && "names" in compiled ? compiled.names?.routes : undefined;
  const routes = [...nameRoutesOf(listener)].flatMap(([key, { profile: name = profile, to }]) => {
    if (name === profile && to === listener.to) return [];
    const { endpoints = [], standby = [] } = known?.[key] ?? {};
    return [
      {
        ...{ profile: name, to: String(to), names: counts.get(key) ?? 0 },
        endpoints: [...endpoints, ...standby].map(endpointKeyOf),
      },
    ];
  });
  return { names: listed.length, routes };
}
