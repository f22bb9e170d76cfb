import {
  listenersOfVnic,
  vnicsOf as vnicPlacesOf,
  type ListenerPlace,
} from "#model/document/document-listeners.ts";
import type { Problem } from "#model/failure.ts";
import { isAdvice } from "#model/problem.ts";
import type { VnicName } from "#model/names.ts";
import { endpointsOf } from "#model/records/mode-records.ts";
import { endpointKeyOf, type SnapshotEndpoint } from "#model/records/snapshot.ts";
import type { Engine, ListenerStatus, VnicStatus } from "#model/records/status.ts";
import { controlModeOf } from "./control-mode.ts";
import type { DocumentFile } from "./change/document-file.ts";
import type { CertificateStore } from "./certificates/certificate-store.ts";
import type { Director } from "./director.ts";
import type { DirectorView } from "./director-view.ts";
import type { HealthChecks } from "./health/health-checks.ts";
import { ListenerStates, type ListenerState } from "./listener-state.ts";
import type { Notices } from "./notice.ts";
import { STATE_UNWRITABLE } from "./state/trouble.ts";
import { endpointCountsOf, serverPairsOf, serverStatusesOf } from "./server-statuses.ts";
import type { DirectorFacts } from "./telemetry/director-metrics.ts";
import type { Telemetry } from "./telemetry/telemetry.ts";
import { warningsInForce } from "./warnings-in-force.ts";
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
  readonly file: DocumentFile;
  readonly certificates: CertificateStore;
  readonly telemetry: Telemetry;
}

/** Builds the view that the admin API shows. Each call reads the current state of the parts. */
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
      file: parts.file.status(),
      changedAt: director.inForce?.changedAt ?? parts.startedAt.toISOString(),
      ...(director.lastRefusal === undefined ? {} : { lastRefusal: director.lastRefusal }),
      workers: { wanted: parts.wantedWorkers, serving: servingCount() },
      openConnections: telemetry.openConnections(),
      certificates: director.certificates(),
      warnings: warningsOf(parts),
      notices: parts.notices.texts(),
    }),
    workers: () => pool.statuses(),
    vnics: () => vnicsOf(parts, servingCount() > 0),
    servers: () =>
      director.inForce === undefined ? [] : serverStatusesOf(director.inForce.document, telemetry),
    handshakes: (question) => telemetry.handshakes(question),
    handshakeGroups: (by, filter, limit) => telemetry.handshakeGroups(by, filter, limit),
    metrics: () => telemetry.metrics(),
    openConnections: (listener) => telemetry.openConnections(listener),
    isReady: () => director.phase === "serving" && servingCount() > 0,
  };
}

/** Returns the warnings that `tlsd check` would show now. */
function warningsOf({ director, certificates }: ViewParts): readonly Problem[] {
  const { inForce } = director;
  if (inForce === undefined) return [];
  return [...warningsInForce(inForce), ...certificates.problems().filter(isAdvice)];
}

/** Returns the facts from which the metrics of the director are computed. */
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
    serversInForce: () => serverPairsOf(director.inForce?.compiled.snapshot.listeners ?? []),
  };
}

function vnicsOf(parts: ViewParts, isServed: boolean): readonly VnicStatus[] {
  const { telemetry, certificates } = parts;
  const { inForce } = certificates;
  if (inForce === undefined) return [];
  const states = new ListenerStates(inForce, Date.now());
  const endpointCounts = endpointCountsOf(
    parts.director.inForce?.compiled.snapshot.listeners ?? [],
    new Set(parts.health.down),
    telemetry,
  );
  return vnicPlacesOf(inForce.document).map((place): VnicStatus => {
    const { name, profileName, profile, vnic } = place;
    const isUp = isServed && vnic.admin === "up";
    const listeners = listenersOfVnic(place).map((listener) =>
      listenerStatusOf(listener, telemetry, isUp ? states.of(listener) : { state: "down" }),
    );
    const hasListener = listeners.length === 0 || listeners.some(({ oper }) => oper !== "down");
    return {
      name,
      profile: profileName,
      ip: vnic.ip,
      admin: vnic.admin,
      oper: isUp && hasListener && hasEndpoint(parts, name) ? "up" : "down",
      servers: profile.servers,
      ...endpointCounts(name),
      rates: telemetry.ratesOf(name),
      listeners,
    };
  });
}

function listenerStatusOf(
  { name, listener }: ListenerPlace,
  telemetry: Telemetry,
  { state, reason }: ListenerState,
): ListenerStatus {
  const { port, mode } = listener;
  return {
    name,
    port,
    mode,
    ...controlModeOf(listener).statusOf(listener),
    openConnections: telemetry.openConnections(name),
    oper: state,
    ...(reason === undefined ? {} : { reason }),
  };
}

/** Returns false if the profile has no server, or if active health checks find every endpoint of the vNIC down. */
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
