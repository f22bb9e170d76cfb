import {
  listenersOfVnic,
  vnicsOf,
  type ListenerPlace,
} from "#model/document/document-listeners.ts";
import type { VnicName } from "#model/names.ts";
import { endpointsOf } from "#model/records/mode-records.ts";
import { endpointKeyOf, type SnapshotListener } from "#model/records/snapshot.ts";
import type { ListenerStatus, VnicStatus } from "#model/records/status.ts";
import type { DocumentInForce } from "./certificates/source-entry.ts";
import { controlModeOf } from "./control-mode.ts";
import { isFailing } from "./health/server-states.ts";
import { ListenerStates, type ListenerState } from "./listener-state.ts";
import type { Telemetry } from "./telemetry/telemetry.ts";

type Figures = Pick<Telemetry, "openConnections" | "ratesOf" | "serverTotals">;

export interface VnicParts {
  readonly inForce: DocumentInForce;
  /** The listeners of the snapshot in force. */
  readonly compiled: readonly SnapshotListener[];
  /** Keys of the endpoints that active health checks find down. */
  readonly checkedDown: readonly string[];
  /** Whether a worker serves. */
  readonly isServed: boolean;
  readonly figures: Figures;
}

/** Returns the status of each vNIC of the document that is wanted. Those that are not wanted cost next to nothing. */
export function vnicStatusesOf(
  { inForce, compiled, checkedDown, isServed, figures }: VnicParts,
  isWanted: (vnic: VnicName) => boolean,
): readonly VnicStatus[] {
  const states = new ListenerStates(inForce, Date.now());
  const listenersOf = Map.groupBy(
    compiled.filter(({ vnic }) => isWanted(vnic)),
    ({ vnic }) => vnic,
  );
  const countsOf = endpointCounter(new Set(checkedDown), figures);
  const places = vnicsOf(inForce.document).filter(({ name }) => isWanted(name));
  return places.map((place): VnicStatus => {
    const { name, profileName, profile, vnic } = place;
    const isUp = isServed && vnic.admin === "up";
    const listeners = listenersOfVnic(place).map((listener) =>
      listenerStatusOf(listener, figures, isUp ? states.of(listener) : { state: "down" }),
    );
    const hasListener = listeners.length === 0 || listeners.some(({ oper }) => oper !== "down");
    const { hasEndpoint, endpointsUp, endpoints } = countsOf(name, listenersOf.get(name) ?? []);
    return {
      name,
      profile: profileName,
      ip: vnic.ip,
      admin: vnic.admin,
      oper: isUp && hasListener && hasEndpoint ? "up" : "down",
      servers: profile.servers.map(({ server }) => server),
      endpointsUp,
      endpoints,
      rates: figures.ratesOf(name),
      listeners,
    };
  });
}

function listenerStatusOf(
  { name, listener }: ListenerPlace,
  figures: Figures,
  { state, reason }: ListenerState,
): ListenerStatus {
  const { port, mode } = listener;
  return {
    name,
    port,
    mode,
    ...controlModeOf(listener).statusOf(listener),
    openConnections: figures.openConnections(name),
    oper: state,
    ...(reason === undefined ? {} : { reason }),
  };
}

interface EndpointCounts {
  /** False if the profile has no server, or if active health checks find every endpoint of the vNIC down. */
  readonly hasEndpoint: boolean;
  /** How many of the endpoints neither checks nor connections find down. */
  readonly endpointsUp: number;
  readonly endpoints: number;
}

/** Returns a function that counts the endpoints of a vNIC by its listeners. It reads the totals of each server only once. */
function endpointCounter(
  checkedDown: ReadonlySet<string>,
  figures: Figures,
): (vnic: VnicName, listeners: readonly SnapshotListener[]) => EndpointCounts {
  const failingVnics = new Map<string, ReadonlySet<VnicName>>();
  const failingVnicsOf = (server: string): ReadonlySet<VnicName> => {
    const failing =
      failingVnics.get(server) ??
      new Set(figures.serverTotals(server).flatMap((one) => (isFailing(one) ? [one.vnic] : [])));
    failingVnics.set(server, failing);
    return failing;
  };
  return (vnic, listeners) => {
    const lists = listeners.map(endpointsOf).filter((list) => list !== undefined);
    const byKey = new Map(lists.flat().map((endpoint) => [endpointKeyOf(endpoint), endpoint]));
    const up = [...byKey].filter(([key]) => !checkedDown.has(key));
    return {
      hasEndpoint: lists.length === 0 || up.length > 0,
      endpointsUp: up.filter(([, { server }]) => !failingVnicsOf(server).has(vnic)).length,
      endpoints: byKey.size,
    };
  };
}
