import type { Problem } from "#model/failure.ts";
import { isAdvice } from "#model/problem.ts";
import type { SnapshotListener } from "#model/records/snapshot.ts";
import type { CertificateDetail } from "#model/records/certificate-detail.ts";
import type {
  CertificateStatus,
  DirectorStatus,
  Engine,
  ProfileStatus,
} from "#model/records/status.ts";
import type { CutSchedule } from "./change/cut-schedule.ts";
import type { DocumentFile } from "./change/document-file.ts";
import { inOrder } from "./certificates/attention.ts";
import type { CertificateStore } from "./certificates/certificate-store.ts";
import type { Inventory } from "./inventory/inventory.ts";
import { shownVersionOf } from "./inventory/version-record.ts";
import type { Director } from "./director.ts";
import type { DirectorView } from "./director-view.ts";
import type { HealthChecks } from "./health/health-checks.ts";
import type { Standby } from "./health/standby.ts";
import { absentVnicsOf, NO_ABSENCES } from "./network/absence.ts";
import type { Notices } from "./notice.ts";
import type { Orphans } from "./state/orphans.ts";
import { STATE_UNWRITABLE } from "./state/trouble.ts";
import { profileStatusesOf } from "./profile-statuses.ts";
import { serverPairsOf, serverStatusesOf } from "./server-statuses.ts";
import type { DirectorFacts } from "./telemetry/director-metrics.ts";
import type { Telemetry } from "./telemetry/telemetry.ts";
import { vnicStatusesOf } from "./vnic-statuses.ts";
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
  readonly cuts: CutSchedule;
  readonly pool: WorkerPool;
  readonly health: HealthChecks;
  readonly standby: Standby;
  readonly file: DocumentFile;
  readonly certificates: CertificateStore;
  readonly inventory: Pick<Inventory, "load" | "record" | "attentionTo">;
  readonly telemetry: Telemetry;
  readonly orphans: Pick<Orphans, "status">;
}

/** Builds the view that the admin API shows. Each call reads the current state of the parts. */
export function buildView(parts: ViewParts): DirectorView {
  const { director, pool, telemetry, certificates, inventory, health, standby, orphans } = parts;
  const servingCount = (): number =>
    pool.statuses().filter(({ state }) => state === "serving").length;
  return {
    state: () => director.phase,
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
      ...orphansOf(parts),
      cuts: parts.cuts.statuses(),
      certificates: director.certificates(),
      warnings: warningsOf(parts),
      profilesOnStandby: profilesOf(parts).filter(({ servedBy }) => servedBy === "standby"),
      notices: parts.notices.texts(),
    }),
    workers: () => pool.statuses(),
    vnics: (isWanted) => {
      const { inForce } = certificates;
      const compiled = compiledOf(director);
      const absences = director.inForce?.absences ?? NO_ABSENCES;
      const isDown = health.isDown.bind(health);
      const isServed = servingCount() > 0;
      const given = { absences, compiled, isDown, isServed, figures: telemetry };
      return inForce === undefined ? [] : vnicStatusesOf({ ...given, inForce }, isWanted);
    },
    servers: () =>
      director.inForce === undefined
        ? []
        : serverStatusesOf(
            director.inForce.document,
            telemetry,
            new Set(standby.onStandby()),
            parts.cuts.statuses(),
            orphans.status(),
          ),
    profiles: () => profilesOf(parts),
    certificates: () => director.certificates().map((status) => withStaged(status, inventory)),
    async certificate(name) {
      const detail = certificates.detail(name);
      await inventory.load();
      const versions = inventory.record(name).versions.map(shownVersionOf).toReversed();
      if (detail === undefined) {
        return versions.length === 0 ? undefined : { ...withoutEntry(name), versions };
      }
      const traffic = telemetry.trafficOf(name);
      const shown = { ...withStaged(detail, inventory), versions };
      return { ...shown, ...(traffic === undefined ? {} : { traffic }) };
    },
    handshakes: (question) => telemetry.handshakes(question),
    handshakeGroups: (by, filter, limit) => telemetry.handshakeGroups(by, filter, limit),
    metrics: () => telemetry.metrics(),
    fullHandshakes: (listener) => telemetry.fullHandshakes(listener),
    openConnections: (listener) => telemetry.openConnections(listener),
    isReady: () => director.phase === "serving" && servingCount() > 0,
  };
}

/** Adds why versions that are staged need attention. */
function withStaged<Status extends CertificateStatus>(status: Status, inventory: Staged): Status {
  const staged = inventory.attentionTo(status.name);
  return staged.length === 0
    ? status
    : { ...status, attention: inOrder([...status.attention, ...staged]) };
}

type Staged = Pick<Inventory, "attentionTo">;

/** Returns what is shown of a certificate that was requested, or removed from the document, and has versions. */
const withoutEntry = (name: string): Omit<CertificateDetail, "versions"> => ({
  ...{ name, source: "inventory", state: "unusable", attention: [], uses: 0, usedBy: [] },
  problem: `The document has no certificate ${name}. A rotation to one of its versions adds it.`,
});

function orphansOf({ orphans }: ViewParts): Pick<DirectorStatus, "orphans"> {
  const found = orphans.status();
  return found === undefined ? {} : { orphans: found };
}

const profilesOf = ({
  director,
  standby,
}: Pick<ViewParts, "director" | "standby">): readonly ProfileStatus[] =>
  director.inForce === undefined ? [] : profileStatusesOf(director.inForce.document, standby);

/** Returns the listeners of the snapshot in force. */
const compiledOf = ({ inForce }: Director): readonly SnapshotListener[] =>
  inForce?.compiled.snapshot.listeners ?? [];

/** Returns the warnings that `tlsd check` would show now. */
function warningsOf({ director, certificates }: ViewParts): readonly Problem[] {
  const { inForce } = director;
  if (inForce === undefined) return [];
  return [...warningsInForce(inForce), ...certificates.problems().filter(isAdvice)];
}

/**
 * Returns the facts from which the metrics of the director are computed. Each is computed when it is read, because most readers
 * need only one.
 */
export function directorFactsOf(
  parts: Pick<
    ViewParts,
    "version" | "engine" | "notices" | "director" | "pool" | "health" | "standby" | "telemetry"
  > & { readonly droppedLines: () => number },
): DirectorFacts {
  const { version, engine, notices, director, pool, health, standby, telemetry } = parts;
  return {
    version,
    engine,
    get revision() {
      return director.inForce?.revision ?? 0;
    },
    get isStateWritable() {
      return !notices.has(STATE_UNWRITABLE);
    },
    get droppedLogLines() {
      return parts.droppedLines();
    },
    get isDoubting() {
      return health.isDoubting;
    },
    get workers() {
      return pool.statuses();
    },
    get certificates() {
      return director.certificates();
    },
    get listeners() {
      return compiledOf(director);
    },
    get absentVnics() {
      return director.inForce === undefined ? [] : absentVnicsOf(director.inForce);
    },
    get servers() {
      const names = Object.keys(director.inForce?.document.servers ?? {});
      return names.map((name) => ({ name, oper: telemetry.serverState(name).oper }));
    },
    get profiles() {
      return profilesOf({ director, standby }).filter(({ since }) => since !== undefined);
    },
    get serversInForce() {
      return serverPairsOf(compiledOf(director));
    },
  };
}
