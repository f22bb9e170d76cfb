import { readFileSync } from "node:fs";
import { availableParallelism } from "node:os";
import { extname, resolve } from "node:path";
import type { DirectorSettings } from "#model/document/document.ts";
import { durationMsOf } from "#model/units.ts";
import { buildView, directorFactsOf } from "./build-view.ts";
import { CertificateStore } from "./certificates/certificate-store.ts";
import { FILES_LATE } from "./certificates/file-watch.ts";
import type { ChangeParts } from "./change/apply-change.ts";
import { CutSchedule } from "./change/cut-schedule.ts";
import { buildDocumentWays } from "./change/document-ways.ts";
import { withKeptCertificates, type CheckedDocument, type CheckParts } from "./check-file.ts";
import { connectionLimitOf, readOpenFileLimit } from "./connection-limit.ts";
import type { EndpointChecked } from "./director-event.ts";
import { Director } from "./director.ts";
import { buildCertificateWants } from "./inventory/build-certificate-wants.ts";
import { FileVersions } from "./inventory/file-versions.ts";
import { forgetVersions } from "./inventory/forget-versions.ts";
import { Inventory } from "./inventory/inventory.ts";
import { StagedSchedule } from "./inventory/staged-schedule.ts";
import { buildDoctor } from "./doctor/doctor.ts";
import { readDoctorFacts } from "./doctor/read-facts.ts";
import { EventBus } from "./event-bus.ts";
import { checksAtOnce, HEALTH_DOUBTED, HealthChecks } from "./health/health-checks.ts";
import { Standby } from "./health/standby.ts";
import { InternalErrors, type ErrorSource } from "./internal-errors.ts";
import { Notices, type Notice } from "./notice.ts";
import { AddressWatch } from "./network/address-watch.ts";
import { LocalAddresses } from "./network/local-addresses.ts";
import { findObstacles, findObstaclesBesideOrphans } from "./network/find-obstacles.ts";
import type { EngineChoice } from "./serving-engine.ts";
import { buildProver } from "./reader/start-reader.ts";
import { confineWorkers } from "./privileges/confine-workers.ts";
import { tryUnitCgroup } from "./privileges/unit-cgroup.ts";
import { WorkerUser } from "./privileges/worker-user.ts";
import type { Folders } from "./state/open-folders.ts";
import type { MasterKeys } from "./sealing/master-keys.ts";
import { DocumentSecrets } from "./sealing/document-secrets.ts";
import { sealStoredSecrets } from "./sealing/seal-stored-secrets.ts";
import { MASTER_KEY_MADE, SealedKeys } from "./sealing/sealed-keys.ts";
import { certificatesInHistory } from "./state/collection.ts";
import { directorArgumentsOf, Orphans } from "./state/orphans.ts";
import { SqliteStore } from "./state/sqlite/sqlite-store.ts";
import { StandbyStore } from "./state/standby-store.ts";
import { TreeDocumentStore } from "./state/tree-document-store.ts";
import {
  RECORD_UNWRITABLE,
  STANDBY_UNSAVED,
  LOG_UNWRITABLE,
  STATE_UNWRITABLE,
  troubleOf,
} from "./state/trouble.ts";
import { WorkerRecord } from "./state/worker-record.ts";
import { logEvent } from "./telemetry/event-log.ts";
import type { Log } from "./telemetry/log.ts";
import { RecordLines } from "./telemetry/record-lines.ts";
import { Telemetry } from "./telemetry/telemetry.ts";
import { buildWorkerCommand } from "./workers/worker-command.ts";
import { CertificateProver } from "./workers/certificate-prover.ts";
import { WorkerPool } from "./workers/worker-pool.ts";

export const MANIFEST = resolve(import.meta.dirname, "../../package.json");
/** The extension is `.ts` in a working tree and `.js` in a package. */
const WORKER_ENTRY = resolve(
  import.meta.dirname,
  `../dataplane/main${extname(import.meta.filename)}`,
);

/** What the parts of a director use of the process in which they run. */
interface Host extends ErrorSource {
  readonly pid: number;
  readonly execPath: string;
  readonly getuid?: () => number;
  readonly env: Readonly<Record<string, string | undefined>>;
}

export interface Surroundings {
  readonly settings: DirectorSettings;
  /** The number of workers. `auto` is one per CPU core. */
  readonly workers: number | "auto";
  /** Whether notices are logged only after the start. */
  readonly isDemo: boolean;
  readonly log: Log;
  readonly engines: EngineChoice;
  readonly checkParts: CheckParts;
  readonly configPath: string | undefined;
  /** The folder to which the paths under `director` are relative. */
  readonly folder: string;
  readonly folders: Folders;
  readonly masterKeys: MasterKeys;
  readonly notices: readonly (Notice | undefined)[];
  readonly host: Host;
  readonly cleanup: AsyncDisposableStack;
}

/** Builds and connects the parts of a director. Nothing is started but the thread of the database. */
export function buildDirector(surroundings: Surroundings) {
  const { settings, configPath, folder, folders, host, cleanup } = surroundings;
  const { logger: log, droppedLines } = surroundings.log;
  const { reader } = surroundings.checkParts;
  const workers = countOf(surroundings.workers);
  const openFiles = readOpenFileLimit();
  const limit = connectionLimitOf(settings.maxConnections, workers, openFiles);
  const { binary, engine, trial } = surroundings.engines.of(settings);
  const confinement = confineWorkers(settings.workerUser, [binary.file, WORKER_ENTRY, MANIFEST]);
  const { version } = JSON.parse(readFileSync(MANIFEST, "utf8")) as { readonly version: string };

  const onFault = (error: unknown): void => errors.report(error);
  const bus = new EventBus(onFault);
  const notices = new Notices(bus);
  const lines = new RecordLines(log, Date.now);
  const telemetry: Telemetry = new Telemetry({
    bus,
    lines,
    writeLines: surroundings.log.writeLines,
    snapshotOfDirector: () =>
      directorFactsOf({
        ...{ version, engine, notices, director, pool, health, standby, telemetry },
        droppedLines,
      }),
  });
  const errors = new InternalErrors(log, notices, () => telemetry.internalError());
  errors.catchFrom(host, cleanup);
  // Whoever tries the demo has not asked what production needs. `tlsd show status` shows the notices.
  let isQuiet = surroundings.isDemo;
  bus.subscribe((event) => {
    if (event.name === "ready") isQuiet = false;
    const isUnasked =
      event.name === "notice-raised" &&
      (isQuiet || (surroundings.isDemo && event.notice.event === MASTER_KEY_MADE));
    if (!isUnasked) logEvent(event, log, lines);
  });
  surroundings.log.watch(troubleOf(notices, LOG_UNWRITABLE));
  const first = [...surroundings.notices, binary.notice, confinement.notice, ...limit.notices];
  for (const notice of first) if (notice !== undefined) notices.raise(notice);
  const record = new WorkerRecord({
    folder: folders.runtimePath,
    ...troubleOf(notices, RECORD_UNWRITABLE),
  });
  cleanup.defer(() => record.close());
  const ownUid = host.getuid?.() ?? 0;
  const workerUids = [ownUid, ...(confinement.user === undefined ? [] : [confinement.user.uid])];
  const orphans = new Orphans({
    dataPath: folders.dataPath,
    drainMs: durationMsOf(settings.drain),
    recorded: record.left,
    trustedUids: workerUids,
    workers: confinement.user && { user: confinement.user, prefix: confinement.prefix },
  });
  const holder = orphans.alive().find(({ uid }) => uid !== confinement.user?.uid);
  const workerUser = new WorkerUser({
    own: confinement,
    holder:
      holder === undefined || confinement.user === undefined
        ? undefined
        : { name: `uid ${holder.uid}`, uid: holder.uid, gid: holder.gid },
    isHeld: () =>
      orphans.alive().length > 0 || pool.statuses().some(({ state }) => state !== "draining"),
    notices,
  });
  const cuts = new CutSchedule(bus);
  cleanup.defer(() => cuts.close());
  const pool: WorkerPool = new WorkerPool({
    size: workers,
    engine,
    command: buildWorkerCommand({
      engine: binary,
      entry: WORKER_ENTRY,
      prefix: () => workerUser.prefix,
      directorArguments: directorArgumentsOf(folders.dataPath, host.pid),
      drainMs: durationMsOf(settings.drain),
      orphanGraceMs: durationMsOf(settings.orphanGrace),
      wire: settings.wire,
      env: host.env,
      cgroup: tryUnitCgroup(),
    }),
    sink: telemetry,
    bus,
    cuts: {
      planned: () => cuts.planned(),
      counted: (number, cut) => cuts.counted(number, cut),
    },
    onRoster: (pids) => record.write(pids),
  });
  cleanup.defer(() => pool.stop());
  const state = new SqliteStore({
    folder: folders.dataPath,
    runtimeFolder: folders.runtimePath,
    program: version,
    onConverted: (revisions, durationMs) => {
      bus.publish({ name: "state-converted", revisions, durationMs });
      sealStoredSecrets({ store, notices }).catch(onFault);
    },
    ...troubleOf(notices, STATE_UNWRITABLE),
  });
  const { masterKeys } = surroundings;
  const sealedKeys = new SealedKeys({ store: state, program: version, masterKeys, notices });
  const secrets = new DocumentSecrets(sealedKeys);
  const store: TreeDocumentStore = new TreeDocumentStore({
    ...{ store: state, folder, secrets },
    program: version,
    onForgotten: () =>
      forgetVersions(
        {
          inventory,
          namesInForce: () => Object.keys(director.inForce?.document.certificates ?? {}),
          namesInHistory: () => certificatesInHistory(state),
          inTurn: (work) => director.inTurn(work),
        },
        Date.now(),
      ),
  });
  cleanup.defer(() => store.close());
  const inventory = new Inventory({ store: state, sealedKeys, program: version });
  const checkParts: CheckParts = { ...surroundings.checkParts, kept: inventory };
  const standbyStore = new StandbyStore(state, version, troubleOf(notices, STANDBY_UNSAVED));
  cleanup.defer(() => standbyStore.close());
  const standby = new Standby({
    onSwitch: (profiles) => pool.setStandby(profiles),
    publish: (event) => bus.publish(event),
    save: (records) => standbyStore.save(records),
  });
  const takeChecked = (checked: EndpointChecked): void => {
    standby.checked(checked);
    bus.publish(checked);
  };
  const health: HealthChecks = new HealthChecks({
    isPresumedDown: (key) => standby.isPresumedDown(key),
    onDown: (down) => {
      bus.publish({ name: "endpoints-down", down, endpoints: health.downEndpoints() });
      pool.setHealth(down);
    },
    onEndpoint: takeChecked,
    onRun: takeChecked,
    onDoubt: (text) => {
      if (text === undefined) notices.clear(HEALTH_DOUBTED);
      else notices.raise({ event: HEALTH_DOUBTED, text });
    },
    maxAtOnce: checksAtOnce(openFiles),
    onFault,
  });
  const prover = buildProver({ nodeFile: host.execPath, env: host.env, onFault });
  cleanup.defer(() => prover.close());
  const certificates = new CertificateStore({
    reader,
    trial,
    prover,
    onProblem: (kind, problem) => bus.publish({ name: `certificate-${kind}`, problem }),
    onTurn: () => director.noteCertificates(),
    onRead: (keys) => fileVersions.note(keys),
    onLate: (isLate) => (isLate ? notices.raise(FILES_LATE) : notices.clear(FILES_LATE.event)),
    onFault,
  });
  const fileVersions: FileVersions = new FileVersions({
    ...{ inventory, notices, onFault },
    inForce: () => certificates.inForce,
    inTurn: (work) => director.inTurn(work),
  });
  cleanup.defer(() => fileVersions.close());
  const ways = buildDocumentWays({
    ...{ configPath, settings, folder, store, certificates, notices, checkParts },
  });
  const { file, wants, checkWanted, checkVersions } = ways;
  const certificateWants = buildCertificateWants({
    ...{ inventory, reader, certificates, checkWanted, checkVersions },
  });
  const findObstaclesNow: ChangeParts["findObstacles"] = (held, after) => {
    const left = orphans.alive();
    if (left.length === 0) return findObstacles(held, after);
    const pids = new Set([host.pid, ...[...left, ...pool.statuses()].map(({ pid }) => pid)]);
    const uids = new Set([...workerUids, ...left.map(({ uid }) => uid)]);
    return findObstaclesBesideOrphans(held, after, { pids, uids });
  };
  const addressWatch = new AddressWatch({
    addresses: checkParts.addresses ?? new LocalAddresses(),
    inForce: () => director.inForce,
    change: (request) => director.change(request),
    findObstacles: findObstaclesNow,
    onFault,
  });
  bus.subscribe((event) => {
    if (event.name === "worker-lacks-address") addressWatch.noteLackingWorker();
    if (event.name === "change-applied" && event.kind === "document") addressWatch.wake();
  });
  const director: Director = new Director({
    pool,
    certificates,
    health,
    standby: {
      restore: async () => standby.restore(await standbyStore.read()),
      commit: (document, snapshot) => standby.commit(document, snapshot),
      onStandby: () => standby.onStandby(),
      close: () => standby.close(),
    },
    bus,
    reader,
    // On engine bun, each TLS context has ticket keys of its own.
    keepsSessions: engine === "node",
    prover: new CertificateProver({ pool, prover, bus }),
    store,
    cuts,
    workers,
    notices,
    onFault,
    connectionsPerWorker: limit.perWorker,
    file,
    checkStored: ways.checkStored,
    findObstacles: findObstaclesNow,
    addressWatch,
    tryTakeWorkerUser: () =>
      workerUser.isBorrowed && orphans.alive().length === 0 ? workerUser.takeOwn() : undefined,
  });
  const staged = new StagedSchedule({
    ...{ inventory, wants: certificateWants, onFault },
    change: (request) => director.change(request),
  });
  cleanup.defer(() => staged.close());
  const view = buildView({
    version,
    engine,
    pid: host.pid,
    startedAt: new Date(),
    wantedWorkers: workers,
    notices,
    director,
    cuts,
    file,
    certificates,
    inventory,
    pool,
    health,
    standby,
    telemetry,
    orphans,
  });
  const doctor = buildDoctor(() =>
    readDoctorFacts({
      inForce: () => director.inForce,
      certificates: () => director.certificates(),
      workers: () => pool.statuses(),
      wantedWorkers: workers,
      engine: binary,
      dataPath: folders.dataPath,
      runtimePath: folders.runtimePath,
      configPath,
      pid: host.pid,
      ownUid,
    }),
  );
  return {
    director,
    standby,
    wants,
    state,
    store,
    view,
    doctor,
    version,
    bus,
    notices,
    orphans,
    pool,
    sealedKeys,
    inventory,
    certificateWants,
    staged,
    fileVersions,
    /** Completes a document that was checked before the store was open. */
    withKept: (checked: CheckedDocument) => withKeptCertificates(checked, checkParts),
  };
}

const countOf = (workers: number | "auto"): number =>
  workers === "auto" ? availableParallelism() : workers;
