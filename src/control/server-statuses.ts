import { ENDPOINT_FAILURES } from "#model/records/outcome.ts";
import { endpointsOf } from "#model/records/mode-records.ts";
import {
  endpointKeyOf,
  type SnapshotEndpoint,
  type SnapshotListener,
} from "#model/records/snapshot.ts";
import type { ServerOper, ServerStatus } from "#model/records/status.ts";
import type { Document } from "#model/document/document.ts";
import { serverPairOf, type ServerPair, type VnicName } from "#model/names.ts";
import { isFailing, type ServerError } from "./health/server-states.ts";
import type { Telemetry } from "./telemetry/telemetry.ts";

type Figures = Pick<Telemetry, "serverState" | "serverTotals">;

/** What an operator must see first comes first. */
const ORDER: readonly ServerOper[] = ["down", "degraded", "unknown", "up"];

/** Returns every server of the document, those that are down first. */
export function serverStatusesOf(document: Document, figures: Figures): readonly ServerStatus[] {
  const operOf = (server: string): ServerOper => figures.serverState(server).oper;
  const profiles = Object.entries(document.profiles);
  const statusOf = (name: string, address: string): ServerStatus => {
    const { oper, sinceMs, reason, lastError } = figures.serverState(name);
    const totals = figures.serverTotals(name);
    const sumOf = (key: "openConnections" | "connects" | "failures"): number =>
      totals.reduce((sum, total) => sum + total[key], 0);
    const own = profiles.filter(
      ([, { servers, standby }]) => servers.includes(name) || standby.includes(name),
    );
    const takenOver = own.flatMap(([, { servers, standby }]) =>
      servers.includes(name) && servers.every((server) => operOf(server) === "down")
        ? standby.filter((server) => operOf(server) !== "down")
        : [],
    );
    return {
      name,
      address,
      admin: "up",
      oper,
      since: new Date(sinceMs).toISOString(),
      ...(reason === undefined ? {} : { reason }),
      ...(lastError === undefined ? {} : { lastError: errorStatusOf(lastError) }),
      openConnections: sumOf("openConnections"),
      connects: sumOf("connects"),
      connectFailures: sumOf("failures"),
      profiles: own.map(([profile]) => profile),
      takenOverBy: [...new Set(takenOver)],
    };
  };
  return Object.entries(document.servers)
    .map(([name, { address }]) => statusOf(name, address))
    .toSorted((one, other) => ORDER.indexOf(one.oper) - ORDER.indexOf(other.oper));
}

const errorStatusOf = ({ cause, vnic, atMs }: ServerError) => ({
  ...{ cause, vnic, at: new Date(atMs).toISOString() },
  text: ENDPOINT_FAILURES[cause],
});

/** Returns the pair of each endpoint of the listeners. */
export const serverPairsOf = (listeners: readonly SnapshotListener[]): ReadonlySet<ServerPair> =>
  new Set(
    listeners.flatMap((listener) =>
      (endpointsOf(listener) ?? []).map(({ server }) => serverPairOf(listener.vnic, server)),
    ),
  );

export interface EndpointCounts {
  readonly endpointsUp: number;
  readonly endpoints: number;
}

/** Returns how many endpoints each vNIC has, and how many of them neither checks nor connections find down. */
export function endpointCountsOf(
  listeners: readonly SnapshotListener[],
  checkedDown: ReadonlySet<string>,
  figures: Figures,
): (vnic: VnicName) => EndpointCounts {
  const byVnic = new Map<VnicName, Map<string, SnapshotEndpoint>>();
  for (const listener of listeners) {
    const endpoints = byVnic.get(listener.vnic) ?? new Map<string, SnapshotEndpoint>();
    for (const endpoint of endpointsOf(listener) ?? []) {
      endpoints.set(endpointKeyOf(endpoint), endpoint);
    }
    byVnic.set(listener.vnic, endpoints);
  }
  return (vnic) => {
    const endpoints = [...(byVnic.get(vnic) ?? [])];
    const isUp = (key: string, { server }: SnapshotEndpoint): boolean =>
      !checkedDown.has(key) &&
      !figures.serverTotals(server).some((total) => total.vnic === vnic && isFailing(total));
    return {
      endpointsUp: endpoints.filter(([key, endpoint]) => isUp(key, endpoint)).length,
      endpoints: endpoints.length,
    };
  };
}
