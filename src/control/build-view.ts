import type { Document } from "#model/document/document.ts";
import type { Listener } from "#model/document/listener.ts";
import { listenerNameOf, vnicNameOf, type VnicName } from "#model/names.ts";
import { endpointsOf } from "#model/records/mode-records.ts";
import { endpointKeyOf, type SnapshotEndpoint } from "#model/records/snapshot.ts";
import type { Engine, ListenerStatus, VnicStatus } from "#model/records/status.ts";
import { controlModeOf } from "./control-mode.ts";
import type { Director } from "./director.ts";
import type { DirectorView } from "./director-view.ts";
import type { HealthChecks } from "./health/health-checks.ts";
import type { Notices } from "./notice.ts";
import { STATE_UNWRITABLE } from "./state/trouble.ts";
import type { DirectorFacts } from "./telemetry/director-metrics.ts";
import type { Telemetry } from "./telemetry/telemetry.ts";
import type { WorkerPool } from "./workers/worker-pool.ts";

export interface ViewParts {
  readonly version: string;
  readonly engine: Engine;
  readonly pid: number;
  readonly startedAt: Date;
  readonly wantedWorkers: number;
  readonly notices: Notices;
  readonly director: Director;
  readonly pool: WorkerPool;
  readonly health: HealthChecks;
  readonly telemetry: Telemetry;
}

/** What an operator sees, read from the parts at each call. */
export function buildView(parts: ViewParts): DirectorView {
  const { director, pool, telemetry } = parts;
  const servingCount = (): number =>
    pool.statuses().filter(({ state }) => state === "serving").length;
  return {
    status: () => ({
      version: parts.version,
      state: director.phase,
      engine: parts.engine,
      pid: parts.pid,
      startedAt: parts.startedAt.toISOString(),
      revision: director.inForce?.revision ?? 0,
      changedAt: director.inForce?.changedAt ?? parts.startedAt.toISOString(),
      ...(director.lastRefusal === undefined ? {} : { lastRefusal: director.lastRefusal }),
      workers: { wanted: parts.wantedWorkers, serving: servingCount() },
      openConnections: telemetry.openConnections(),
      certificates: director.certificates(),
      notices: parts.notices.texts(),
    }),
    workers: () => pool.statuses(),
    vnics: () => vnicsOf(parts, servingCount() > 0),
    handshakes: (limit) => telemetry.handshakes(limit),
    metrics: () => telemetry.metrics(),
    isReady: () => director.phase === "serving" && servingCount() > 0,
  };
}

/** What the metrics are read from. */
export function directorFactsOf(
  parts: Pick<ViewParts, "version" | "engine" | "notices" | "director" | "pool">,
): DirectorFacts {
  const { version, engine, notices, director, pool } = parts;
  return {
    version,
    engine,
    revision: director.inForce?.revision ?? 0,
    isStateWritable: !notices.has(STATE_UNWRITABLE),
    workers: pool.statuses(),
    certificates: director.certificates(),
    listeners: director.inForce?.compiled.snapshot.listeners ?? [],
  };
}

function vnicsOf(parts: ViewParts, isServed: boolean): readonly VnicStatus[] {
  const { director, telemetry } = parts;
  const document = director.inForce?.document;
  if (document === undefined) return [];
  return vnicEntriesOf(document).map(({ name, profile, servers, vnic }) => ({
    name,
    profile,
    ip: vnic.ip,
    admin: vnic.admin,
    oper: isServed && vnic.admin === "up" && hasEndpoint(parts, name) ? "up" : "down",
    servers,
    listeners: vnic.listeners.map((listener) => listenerStatusOf(name, listener, telemetry)),
  }));
}

function vnicEntriesOf(document: Document) {
  return Object.entries(document.profiles).flatMap(([profile, { servers, vnics }]) =>
    Object.entries(vnics).map(([name, vnic]) => ({
      name: vnicNameOf(name, profile),
      profile,
      servers,
      vnic,
    })),
  );
}

function listenerStatusOf(
  vnic: VnicName,
  listener: Listener,
  telemetry: Telemetry,
): ListenerStatus {
  const { port, mode } = listener;
  const name = listenerNameOf(vnic, port);
  return {
    name,
    port,
    mode,
    ...controlModeOf(listener).statusOf(listener),
    openConnections: telemetry.openConnections(name),
  };
}

/** False when its profile lives on no server, or the active checks find every endpoint of the vNIC down. */
function hasEndpoint({ director, health }: ViewParts, vnic: VnicName): boolean {
  const down = new Set(health.down);
  const endpoints = (director.inForce?.compiled.snapshot.listeners ?? [])
    .filter((listener) => listener.vnic === vnic)
    .flatMap((listener) => {
      const own = endpointsOf(listener);
      return own === undefined ? [] : [own];
    });
  const isUp = (endpoint: SnapshotEndpoint): boolean => !down.has(endpointKeyOf(endpoint));
  return endpoints.length === 0 || endpoints.flat().some(isUp);
}
