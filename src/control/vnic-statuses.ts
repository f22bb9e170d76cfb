import {
  listenersOfVnic,
  vnicsOf,
  type ListenerPlace,
} from "#model/document/document-listeners.ts";
import { lackOfServersOf } from "#model/document/lack-of-servers.ts";
import type { ListenerName, VnicName } from "#model/names.ts";
import { endpointsOf } from "#model/records/mode-records.ts";
import {
  endpointKeyOf,
  mayGetConnections,
  type SnapshotListener,
} from "#model/records/snapshot.ts";
import type { ListenerStatus, VnicStatus } from "#model/records/status.ts";
import type { DocumentInForce } from "./certificates/source-entry.ts";
import { controlModeOf } from "./control-mode.ts";
import { isFailing } from "./health/server-states.ts";
import { NO_ABSENCES, virtualIpOf, type Absences } from "./network/absence.ts";
import { readNetworkFacts, remedyOf } from "./network/add-command.ts";
import { namesStatusOf } from "./names-status.ts";
import { ListenerStates, type ListenerState } from "./listener-state.ts";
import type { Telemetry } from "./telemetry/telemetry.ts";

type Figures = Pick<Telemetry, "openConnections" | "ratesOf" | "serverTotals">;

export interface VnicParts {
  readonly inForce: DocumentInForce;
  /** The virtual IPs on which no listener is opened. */
  readonly absences?: Absences;
  /** The listeners of the snapshot in force. */
  readonly compiled: readonly SnapshotListener[];
  /** Whether the active health check of the listener finds the endpoint down. */
  readonly isDown: (listener: ListenerName, endpointKey: string) => boolean;
  /** Whether a worker serves. */
  readonly isServed: boolean;
  readonly figures: Figures;
}

/** Why a vNIC is down because of its virtual IP. */
type AbsenceShown = Pick<VnicStatus, "reason" | "remedy">;

/** Returns the status of each vNIC of the document that is wanted. Those that are not wanted cost next to nothing. */
export function vnicStatusesOf(
  { inForce, absences = NO_ABSENCES, compiled, isDown, isServed, figures }: VnicParts,
  isWanted: (vnic: VnicName) => boolean,
): readonly VnicStatus[] {
  const facts = absences.size === 0 ? undefined : readNetworkFacts();
  const absenceOf = (ip: string): AbsenceShown | undefined => {
    const absence = absences.get(ip);
    if (absence === undefined || facts === undefined) return undefined;
    const remedy = remedyOf(ip, absence, facts);
    return { reason: absence.reason, ...(remedy === undefined ? {} : { remedy }) };
  };
  const states = new ListenerStates(inForce, Date.now());
  const listenersOf = Map.groupBy(
    compiled.filter(({ vnic }) => isWanted(vnic)),
    ({ vnic }) => vnic,
  );
  const countsOf = endpointCounter(isDown, figures);
  const places = vnicsOf(inForce.document).filter(({ name }) => isWanted(name));
  return places.map((place): VnicStatus => {
    const { name, profileName, profile, vnic } = place;
    const compiledOf = new Map((listenersOf.get(name) ?? []).map((one) => [one.name, one]));
    const absence = vnic.admin === "up" ? absenceOf(virtualIpOf(vnic)) : undefined;
    const isUp = isServed && vnic.admin === "up" && absence === undefined;
    const listeners = listenersOfVnic(place).map((listener) =>
      listenerStatusOf(
        listener,
        compiledOf.get(listener.name),
        figures,
        isUp ? states.of(listener) : { state: "down", ...absence },
      ),
    );
    const hasListener = listeners.length === 0 || listeners.some(({ oper }) => oper !== "down");
    const { hasEndpoint, endpointsUp, endpoints } = countsOf(name, listenersOf.get(name) ?? []);
    const lack = isUp && !hasEndpoint ? lackOfServersOf(inForce.document, profile) : undefined;
    return {
      name,
      profile: profileName,
      ip: vnic.ip,
      admin: vnic.admin,
      oper: isUp && hasListener && hasEndpoint ? "up" : "down",
      ...absence,
      ...(lack === undefined ? {} : { reason: `${lack.reason}.` }),
      servers: profile.servers.map(({ server }) => server),
      endpointsUp,
      endpoints,
      rates: figures.ratesOf(name),
      listeners,
    };
  });
}

function listenerStatusOf(
  { name, listener, owner }: ListenerPlace,
  compiled: SnapshotListener | undefined,
  figures: Figures,
  { state, ...shown }: Pick<ListenerState, "state"> & Partial<AbsenceShown>,
): ListenerStatus {
  const { port, mode } = listener;
  return {
    name,
    port,
    mode,
    ...controlModeOf(listener).statusOf(listener),
    ...namesStatusOf(listener, owner.profileName, compiled),
    openConnections: figures.openConnections(name),
    oper: state,
    ...shown,
  };
}

interface EndpointCounts {
  /** False if listeners need an endpoint, and none may get new connections or active health checks find all that may down. */
  readonly hasEndpoint: boolean;
  /** How many endpoints may get new connections and are found down neither by checks nor by connections. */
  readonly endpointsUp: number;
  readonly endpoints: number;
}

/** Returns a function that counts the endpoints of a vNIC by its listeners. It reads the totals of each server only once. */
function endpointCounter(
  isDown: VnicParts["isDown"],
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
    const using = listeners.filter((listener) => endpointsOf(listener) !== undefined);
    // Listeners with different checks can find the same endpoint up and down.
    const found = new Map<string, { readonly server: string; isUp: boolean; isUsable: boolean }>();
    for (const listener of using) {
      for (const endpoint of endpointsOf(listener) ?? []) {
        const { server } = endpoint;
        const key = endpointKeyOf(endpoint);
        const isUp = mayGetConnections(endpoint) && !isDown(listener.name, key);
        const before = found.get(key) ?? { server, isUp: true, isUsable: false };
        found.set(key, { server, isUp: before.isUp && isUp, isUsable: before.isUsable || isUp });
      }
    }
    const endpoints = [...found.values()];
    return {
      hasEndpoint: using.length === 0 || endpoints.some(({ isUsable }) => isUsable),
      endpointsUp: endpoints.filter(({ server, isUp }) => isUp && !failingVnicsOf(server).has(vnic))
        .length,
      endpoints: endpoints.length,
    };
  };
}
