/** Builds, connects and starts the parts of the control process, and stops them in reverse order. */
import { readFileSync } from "node:fs";
import { availableParallelism } from "node:os";
import { dirname, extname, join, resolve } from "node:path";
import type { DirectorSettings } from "#model/document/document.ts";
import { parseDocument } from "#model/document/parse-document.ts";
import { durationMsOf } from "#model/units.ts";
import { buildChangeApi } from "./admin-api/build-change-api.ts";
import { largeBodiesIn } from "./admin-api/read-large-body.ts";
import { startAdminApi } from "./admin-api/start-admin-api.ts";
import { startObserve } from "./admin-api/start-observe.ts";
import { buildView, directorFactsOf } from "./build-view.ts";
import { CertificateStore } from "./certificates/certificate-store.ts";
import { buildDocumentWays } from "./change/document-ways.ts";
import { checkFile, documentRefusal, type CheckParts } from "./check-file.ts";
import { connectionLimitOf, readOpenFileLimit } from "./connection-limit.ts";
import { demoBanner } from "./demo/demo-banner.ts";
import { prepareDemo, provideDemoDocument } from "./demo/prepare-demo.ts";
import { runOldClient } from "./demo/run-old-client.ts";
import { startDemoEndpoints } from "./demo/start-demo-endpoints.ts";
import { Director } from "./director.ts";
import type { DirectorView } from "./director-view.ts";
import { buildDoctor } from "./doctor/doctor.ts";
import { readDoctorFacts } from "./doctor/read-facts.ts";
import { EventBus } from "./event-bus.ts";
import { HealthChecks } from "./health/health-checks.ts";
import { InternalErrors } from "./internal-errors.ts";
import { kernelNotices } from "./kernel-notices.ts";
import { Notices, type Notice } from "./notice.ts";
import { catchOperatorSignals, catchStopSignals } from "./operator-signals.ts";
import { probeNewAddresses } from "./probe-address.ts";
import { EngineChoice } from "./serving-engine.ts";
import { leaveRoot } from "./privileges/become-control-user.ts";
import { confineWorkers } from "./privileges/confine-workers.ts";
import { tryUnitCgroup } from "./privileges/unit-cgroup.ts";
import { WorkerUser } from "./privileges/worker-user.ts";
import type { MaterialReader } from "./reader/material-reader.ts";
import { writeBackup } from "./state/backup/write-backup.ts";
import { handOverFolders, openFolders, type Folders } from "./state/open-folders.ts";
import { directorArgumentsOf, Orphans } from "./state/orphans.ts";
import { secretKeyOf } from "./state/secret-key.ts";
import { SqliteStore } from "./state/sqlite/sqlite-store.ts";
import { TreeDocumentStore } from "./state/tree-document-store.ts";
import { RECORD_UNWRITABLE, STATE_UNWRITABLE, troubleOf } from "./state/trouble.ts";
import { wantedFoldersOf, type WantedFolders } from "./state/wanted-folders.ts";
import { WorkerRecord } from "./state/worker-record.ts";
import { logEvent } from "./telemetry/event-log.ts";
import { buildLogger, type Logger } from "./telemetry/log.ts";
import { LogLevel } from "./telemetry/log-level.ts";
import { RecordLines } from "./telemetry/record-lines.ts";
import { Telemetry } from "./telemetry/telemetry.ts";
import { ConnectionRequests } from "./workers/connection-requests.ts";
import { buildWorkerCommand } from "./workers/worker-command.ts";
import { WorkerPool } from "./workers/worker-pool.ts";

export interface ServeOptions {
  /** Undefined if the director serves the document of its store. */
  readonly configPath: string | undefined;
  /** Whether the file is applied even if the store has changes that it does not have. */
  readonly appliesFile: boolean;
  readonly reader: MaterialReader;
  /** If one of the next four is undefined, the setting of the document is used. */
  readonly dataPath: string | undefined;
  readonly runtimePath: string | undefined;
  readonly workers: number | "auto" | undefined;
  readonly engine: "bun" | "node" | "auto" | undefined;
  readonly logLevel: string;
  /** Whether JSON lines are logged even on a terminal. */
  readonly isJson?: boolean;
  /** Undefined unless the director runs the demo. */
  readonly demo: DemoOptions | undefined;
}

export interface DemoOptions {
  /** The document that is copied to `configPath` if that file does not exist. */
  readonly document: string | undefined;
  /** The command that starts the program in a shell in the folder of the document. */
  readonly command: string;
}

const MANIFEST = resolve(import.meta.dirname, "../../package.json");
/** The extension is `.ts` in a working tree and `.js` in a package. */
const WORKER_ENTRY = resolve(
  import.meta.dirname,
  `../dataplane/main${extname(import.meta.filename)}`,
);

/**
 * Runs a director until a signal stops it. Resolves to the exit code, which is 0 after a drain, and also if a second signal ended
 * the drain early. Throws DirectorError if the director cannot start.
 */
export async function serve(options: ServeOptions): Promise<number> {
  await using cleanup = new AsyncDisposableStack();
  const stopSignals = catchStopSignals(process, cleanup);
  const isPretty = process.stdout.isTTY && options.isJson !== true;
  const log = buildLogger({ level: options.logLevel, isPretty });
  const { reader } = options;
  const logFault = (error: unknown): void =>
    log.error({ event: "internal", err: error }, String(error));
  reader.tellFaultsTo(logFault);
  cleanup.defer(() => reader.close());
  const engines = new EngineChoice({
    wanted: options.engine,
    nodeFile: process.execPath,
    arch: process.arch,
    env: process.env,
    onFault: logFault,
  });
  cleanup.defer(() => engines.close());
  const { demo } = options;
  const configPath = options.configPath === undefined ? undefined : resolve(options.configPath);
  const caPath =
    demo === undefined || configPath === undefined ? undefined : await startDemo(demo, configPath);
  const wantedFolders = (settings: DirectorSettings, folder: string): WantedFolders =>
    wantedFoldersOf(options, settings, folder, process.env);
  const checkParts = {
    reader,
    wantedFolders,
    engineOf: (settings: DirectorSettings) => engines.of(settings),
  };
  const file =
    configPath === undefined
      ? undefined
      : await checkFile(configPath, { kind: "start" }, checkParts);
  if (file !== undefined && file.document === undefined) {
    throw documentRefusal(file.problems, configPath);
  }
  const settings = file?.document?.director ?? parseDocument({}).draft.director;
  const folder = file?.folder ?? process.cwd();
  const drainMs = durationMsOf(settings.drain);
  const wanted = wantedFolders(settings, folder);
  // `leaveRoot` may replace this process by exec. Its child processes must have ended before.
  if (process.getuid?.() === 0) await Promise.all([reader.rest(), engines.rest()]);
  const userNotice = leaveRoot(settings.user, demo !== undefined, process, {
    read: [
      ...[process.execPath, import.meta.filename, MANIFEST],
      ...(configPath === undefined ? [] : [configPath]),
    ],
    handOver: (user) => handOverFolders(wanted, user),
  });
  const folders = openFolders(wanted);
  cleanup.defer(() => folders.release());

  const { director, wants, state, store, view, doctor, version, bus, notices, orphans, pool } =
    build(options, settings, {
      log,
      engines,
      checkParts,
      configPath,
      folder,
      folders,
      notices: [...kernelNotices(), userNotice, folders.notice],
      cleanup,
    });
  const actions = {
    reload: () =>
      director.change({ kind: "document", by: { origin: "signal" }, want: wants.file(false) }),
    replaceWorkers: () => director.replaceWorkers(),
  };
  catchOperatorSignals(process, actions, bus, cleanup);
  const socketPath = join(folders.runtimePath, "tlsd.sock");
  const secretKey = await secretKeyOf(state, version);
  const api = await buildChangeApi({
    ...{ changes: director, wants, store, secretKey },
    settings,
    view,
    backup: () => writeBackup(state, version),
  });
  const connections = new ConnectionRequests({ workers: () => pool.answering(), bus });
  const logLevel = new LogLevel(log);
  cleanup.defer(() => logLevel.close());
  const readLargeBody = largeBodiesIn(reader);
  const admin = await startAdminApi({
    ...{ socketPath, view, api, connections, logLevel, doctor, log, notices, readLargeBody },
  });
  cleanup.defer(() => admin.close());
  const observe = await tryObserve(settings.observe, view, log);
  cleanup.defer(() => observe?.close());
  if (caPath !== undefined) {
    const endpoints = await startDemoEndpoints();
    cleanup.defer(() => endpoints.close());
  }

  const started = director.start(file, options.appliesFile);
  started.catch(isStoppedMeanwhile);
  await Promise.race([started, stopSignals.first]);
  if (director.phase === "serving") {
    orphans.dismiss(drainMs, bus, cleanup);
    bus.publish({ name: "ready", socketPath, observe: observe?.address });
    if (demo !== undefined && caPath !== undefined && director.inForce !== undefined) {
      const { command } = demo;
      const { document, sources } = director.inForce;
      const failedAt = await runOldClient(document);
      process.stdout.write(
        demoBanner({ document, sources, caPath, socketPath, folder, command, failedAt }),
      );
    }
    await stopSignals.first;
    bus.publish({ name: "draining", deadlineMs: drainMs });
  }
  const drained = director.phase === "serving" ? director.drain(drainMs) : director.stop();
  const stopped = stopSignals.second.then(() => director.stop());
  const cut = await Promise.race([drained, stopped]);
  bus.publish({ name: "stopped", cut: cut ?? undefined });
  return 0;
}

async function startDemo({ document }: DemoOptions, configPath: string): Promise<string> {
  if (document !== undefined) await provideDemoDocument(document, configPath);
  return prepareDemo(dirname(configPath));
}

/** Ignores the failure of a start that a signal has interrupted. */
const isStoppedMeanwhile = (): void => undefined;

interface Surroundings {
  readonly log: Logger;
  readonly engines: EngineChoice;
  readonly checkParts: CheckParts;
  readonly configPath: string | undefined;
  /** The folder to which the paths under `director` are relative. */
  readonly folder: string;
  readonly folders: Folders;
  readonly notices: readonly (Notice | undefined)[];
  readonly cleanup: AsyncDisposableStack;
}

function build(options: ServeOptions, settings: DirectorSettings, surroundings: Surroundings) {
  const { configPath, folder, folders, checkParts, cleanup, log } = surroundings;
  const { reader } = checkParts;
  const workers = countOf(options.workers ?? settings.workers);
  const limit = connectionLimitOf(settings.maxConnections, workers, readOpenFileLimit());
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
    snapshotOfDirector: () => directorFactsOf({ version, engine, notices, director, pool }),
  });
  const errors = new InternalErrors(log, notices, () => telemetry.internalError());
  errors.catchFrom(process, cleanup);
  // Whoever tries the demo has not asked what production needs. `tlsd show status` shows the notices.
  let isQuiet = options.demo !== undefined;
  bus.subscribe((event) => {
    if (event.name === "ready") isQuiet = false;
    if (!isQuiet || event.name !== "notice-raised") logEvent(event, log, lines);
  });
  const first = [...surroundings.notices, binary.notice, confinement.notice, ...limit.notices];
  for (const notice of first) if (notice !== undefined) notices.raise(notice);
  const record = new WorkerRecord({
    folder: folders.runtimePath,
    ...troubleOf(notices, RECORD_UNWRITABLE),
  });
  cleanup.defer(() => record.close());
  const ownUid = process.getuid?.() ?? 0;
  const orphans = new Orphans({
    dataPath: folders.dataPath,
    recorded: record.left,
    trustedUids: [ownUid, ...(confinement.user === undefined ? [] : [confinement.user.uid])],
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
  const pool: WorkerPool = new WorkerPool({
    size: workers,
    engine,
    command: buildWorkerCommand({
      engine: binary,
      entry: WORKER_ENTRY,
      prefix: () => workerUser.prefix,
      directorArguments: directorArgumentsOf(folders.dataPath, process.pid),
      drainMs: durationMsOf(settings.drain),
      orphanGraceMs: durationMsOf(settings.orphanGrace),
      wire: settings.wire,
      env: process.env,
      cgroup: tryUnitCgroup(),
    }),
    sink: telemetry,
    bus,
    onRoster: (pids) => record.write(pids),
  });
  cleanup.defer(() => pool.stop());
  const health: HealthChecks = new HealthChecks({
    onDown: (down) => {
      bus.publish({ name: "endpoints-down", down, endpoints: health.downEndpoints() });
      pool.setHealth(down);
    },
    onEndpoint: (checked) => bus.publish({ name: "endpoint-checked", ...checked }),
    onFault,
  });
  const state = new SqliteStore({
    folder: folders.dataPath,
    runtimeFolder: folders.runtimePath,
    program: version,
    onConverted: (revisions, durationMs) =>
      bus.publish({ name: "state-converted", revisions, durationMs }),
    ...troubleOf(notices, STATE_UNWRITABLE),
  });
  const store = new TreeDocumentStore({ store: state, folder, program: version });
  cleanup.defer(() => store.close());
  const certificates = new CertificateStore({
    reader,
    trial,
    onProblem: (kind, problem) => bus.publish({ name: `certificate-${kind}`, problem }),
    onTurn: () => director.noteCertificates(),
    onFault,
  });
  const ways = buildDocumentWays({
    ...{ configPath, settings, folder, store, certificates, notices, checkParts },
  });
  const { file, wants } = ways;
  const director: Director = new Director({
    pool,
    certificates,
    health,
    bus,
    reader,
    store,
    workers,
    notices,
    onFault,
    connectionsPerWorker: limit.perWorker,
    file,
    checkStored: ways.checkStored,
    // Workers of an earlier director that was killed hold the addresses and share them with new workers, so a probe would fail.
    probe: async (before, after) => {
      if (orphans.alive().length === 0) await probeNewAddresses(before, after);
    },
    tryTakeWorkerUser: () =>
      workerUser.isBorrowed && orphans.alive().length === 0 ? workerUser.takeOwn() : undefined,
  });
  const view = buildView({
    version,
    engine,
    pid: process.pid,
    startedAt: new Date(),
    wantedWorkers: workers,
    notices,
    director,
    file,
    certificates,
    pool,
    health,
    telemetry,
  });
  const doctor = buildDoctor(() =>
    readDoctorFacts({
      document: () => director.inForce?.document,
      certificates: () => director.certificates(),
      workers: () => pool.statuses(),
      wantedWorkers: workers,
      engine: binary,
      dataPath: folders.dataPath,
      runtimePath: folders.runtimePath,
      configPath,
      pid: process.pid,
      ownUid,
    }),
  );
  return { director, wants, state, store, view, doctor, version, bus, notices, orphans, pool };
}

const countOf = (workers: number | "auto"): number =>
  workers === "auto" ? availableParallelism() : workers;

async function tryObserve(address: string | undefined, view: DirectorView, log: Logger) {
  return address === undefined ? undefined : startObserve({ address, view, log });
}
