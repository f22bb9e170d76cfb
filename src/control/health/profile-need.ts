import type { ListenerName } from "#model/names.ts";
import { routesOf } from "#model/records/mode-records.ts";
import {
  checkedKeyOf,
  endpointKeyOf,
  mayGetConnections,
  type SnapshotEndpoint,
  type SnapshotListener,
} from "#model/records/snapshot.ts";
import type { Need } from "./standby-state.ts";

/** The listeners that lead to a profile and that standby servers can serve. One that leads there in several ways is there for each. */
export type Coverage = readonly CoveredListener[];

export interface CoveredListener {
  readonly name: ListenerName;
  readonly servers: readonly Target[];
  readonly standby: readonly Target[];
}

/** An endpoint that may get new connections. */
interface Target {
  readonly server: string;
  readonly endpoint: string;
  /** The key of `checkedKeyOf`. */
  readonly key: string;
}

/** Returns the coverage of each profile. */
export function coverageOf(
  listeners: readonly SnapshotListener[],
): ReadonlyMap<string, CoveredListener[]> {
  const covered = listeners.flatMap((listener) => {
    if (listener.mode !== "tcp" && listener.mode !== "http") return [];
    const { name } = listener;
    return (routesOf(listener) ?? []).flatMap(({ profile, check, endpoints, standby }) => {
      // A unix socket is on this machine, whichever servers serve. Every other route to a profile with standby has a check.
      if (check === undefined || endpoints.some(({ kind }) => kind === "unix")) return [];
      const servers = targetsOf(endpoints, check);
      return [{ profile, name, servers, standby: targetsOf(standby, check) }];
    });
  });
  return Map.groupBy(covered, ({ profile }) => profile);
}

const targetsOf = (endpoints: readonly SnapshotEndpoint[], check: string): readonly Target[] =>
  endpoints.filter(mayGetConnections).map((one) => {
    const endpoint = endpointKeyOf(one);
    return { server: one.server, endpoint, key: checkedKeyOf(check, endpoint) };
  });

export interface ProfileNeed {
  readonly need: Need;
  /** The first listener that its servers cannot serve, unless the need is `servers`. */
  readonly listener?: CoveredListener | undefined;
}

/**
 * Returns what a profile needs. A profile moves as a whole, so one listener that only the standby servers can serve is enough to
 * need them. A listener that neither can serve does not count, because a switch would not help it.
 */
export function needOf(coverage: Coverage, isDown: (key: string) => boolean): ProfileNeed {
  let canServe = false;
  let unserved: CoveredListener | undefined;
  const isUp = ({ key }: Target): boolean => !isDown(key);
  for (const listener of coverage) {
    const { servers, standby } = listener;
    if (servers.some(isUp)) canServe = true;
    // If no server may be used at all, a standby server that is down is still the best to try.
    else if (servers.length === 0 ? standby.length > 0 : standby.some(isUp))
      return { need: "standby", listener };
    else unserved ??= listener;
  }
  return canServe ? { need: "servers" } : { need: "none", listener: unserved };
}
