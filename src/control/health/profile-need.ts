import { profileOfVnic, type ListenerName } from "#model/names.ts";
import {
  endpointKeyOf,
  type SnapshotEndpoint,
  type SnapshotListener,
} from "#model/records/snapshot.ts";
import type { Need } from "./standby-state.ts";

/** The listeners of a profile that standby servers can serve. */
export type Coverage = readonly CoveredListener[];

interface CoveredListener {
  readonly name: ListenerName;
  readonly servers: readonly Target[];
  readonly standby: readonly Target[];
}

/** An endpoint that may get new connections. */
interface Target {
  readonly server: string;
  readonly endpoint: string;
}

/** Returns the coverage of each profile. */
export function coverageOf(
  listeners: readonly SnapshotListener[],
): ReadonlyMap<string, CoveredListener[]> {
  const covered = listeners.flatMap((listener) => {
    if (listener.mode !== "tcp") return [];
    const { name, vnic, endpoints, standby } = listener;
    // A unix socket is on this machine, whichever servers serve.
    if (endpoints.some(({ kind }) => kind === "unix")) return [];
    return [
      {
        profile: profileOfVnic(vnic),
        ...{ name, servers: targetsOf(endpoints), standby: targetsOf(standby) },
      },
    ];
  });
  return Map.groupBy(covered, ({ profile }) => profile);
}

const targetsOf = (endpoints: readonly SnapshotEndpoint[]): readonly Target[] =>
  endpoints
    .filter((endpoint) => endpoint.kind !== "tcp" || endpoint.weight > 0)
    .map((endpoint) => ({ server: endpoint.server, endpoint: endpointKeyOf(endpoint) }));

export type IsDown = (listener: ListenerName, endpoint: string) => boolean;

export interface ProfileNeed {
  readonly need: Need;
  /** The first listener that its servers cannot serve, if the need is `standby`. */
  readonly listener?: CoveredListener;
}

/**
 * Returns what a profile needs. A profile moves as a whole, so one listener that only the standby servers can serve is enough to
 * need them. A listener that neither can serve does not count, because a switch would not help it.
 */
export function needOf(coverage: Coverage, isDown: IsDown): ProfileNeed {
  let canServe = false;
  for (const listener of coverage) {
    const isUp = ({ endpoint }: Target): boolean => !isDown(listener.name, endpoint);
    const { servers, standby } = listener;
    if (servers.some(isUp)) canServe = true;
    // If no server may be used at all, a standby server that is down is still the best to try.
    else if (servers.length === 0 ? standby.length > 0 : standby.some(isUp))
      return { need: "standby", listener };
  }
  return { need: canServe ? "servers" : "none" };
}
