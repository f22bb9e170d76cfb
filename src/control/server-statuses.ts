import { endpointsOf } from "#model/records/mode-records.ts";
import type { SnapshotListener } from "#model/records/snapshot.ts";
import type { CutStatus } from "#model/records/cut-status.ts";
import type { OrphansStatus } from "#model/records/orphans-status.ts";
import type { ServerStatus } from "#model/records/status.ts";
import type { ServerEntry } from "#model/document/server-entry.ts";
import type { Document } from "#model/document/document.ts";
import { compareNames } from "#model/document/natural-order.ts";
import { serverPairOf, type ServerPair } from "#model/names.ts";
import { Remembered } from "#model/remembered.ts";
import type { ServerError } from "./health/server-states.ts";
import type { Telemetry } from "./telemetry/telemetry.ts";

type Figures = Pick<Telemetry, "serverState" | "serverTotals">;

/** Returns every server of the document. `onStandby` has the names of the profiles that standby servers serve. */
export function serverStatusesOf(
  document: Document,
  figures: Figures,
  onStandby: ReadonlySet<string>,
  cuts: readonly CutStatus[] = [],
  orphans?: OrphansStatus,
): readonly ServerStatus[] {
  const isUsable = (server: string): boolean =>
    document.servers[server]?.admin === "up" && figures.serverState(server).oper !== "down";
  const usesOf = serverUses(document, onStandby, isUsable);
  return Object.entries(document.servers).map(([name, { address, admin }]): ServerStatus => {
    const { oper, sinceMs, reason, lastError } = figures.serverState(name);
    const totals = figures.serverTotals(name);
    const sumOf = (key: "openConnections" | "connects" | "failures"): number =>
      totals.reduce((sum, total) => sum + total[key], 0);
    const uses = usesOf.get(name) ?? [];
    const cutAt = cuts.find(({ server }) => server === name)?.at;
    return {
      name,
      address,
      admin,
      oper,
      since: new Date(sinceMs).toISOString(),
      ...(reason === undefined ? {} : { reason }),
      ...(lastError === undefined ? {} : { lastError: errorStatusOf(lastError) }),
      openConnections: sumOf("openConnections"),
      ...(orphans === undefined ? {} : { orphans }),
      ...(cutAt === undefined ? {} : { cutAt }),
      connects: sumOf("connects"),
      connectFailures: sumOf("failures"),
      profiles: uses.map(({ profile }) => profile).toSorted(compareNames),
      takenOverBy: [...new Set(uses.flatMap(({ takenOverBy }) => takenOverBy))],
    };
  });
}

/** A profile that lives on a server, also on standby. */
interface ServerUse {
  readonly profile: string;
  /** The standby servers that serve the profile in place of the server. */
  readonly takenOverBy: readonly string[];
}

function serverUses(
  document: Document,
  onStandby: ReadonlySet<string>,
  isUsable: (server: string) => boolean,
): ReadonlyMap<string, readonly ServerUse[]> {
  const uses = Object.entries(document.profiles).flatMap(([profile, entries]) => {
    const [servers, standby] = [namesOf(entries.servers), namesOf(entries.standby)];
    const takenOverBy = onStandby.has(profile) ? standby.filter(isUsable) : [];
    return [
      ...servers.map((server) => ({ server, profile, takenOverBy })),
      ...standby.map((server) => ({ server, profile, takenOverBy: [] })),
    ];
  });
  return Map.groupBy(uses, ({ server }) => server);
}

const namesOf = (entries: readonly ServerEntry[]): readonly string[] =>
  entries.map(({ server }) => server);

const errorStatusOf = ({ cause, vnic, endpoint, atMs, text }: ServerError) => ({
  ...(endpoint === undefined ? {} : { endpoint }),
  ...{ cause, vnic, at: new Date(atMs).toISOString(), text },
});

/** Returns the pair of each endpoint of the listeners. */
export function serverPairsOf(listeners: readonly SnapshotListener[]): ReadonlySet<ServerPair> {
  const pairs = new Set<ServerPair>();
  for (const listener of listeners) {
    for (const pair of PAIRS.of(listener)) pairs.add(pair);
  }
  return pairs;
}

const PAIRS = new Remembered((listener: SnapshotListener): readonly ServerPair[] =>
  (endpointsOf(listener) ?? []).map(({ server }) => serverPairOf(listener.vnic, server)),
);
