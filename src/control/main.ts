/** Starts the control process, and stops it at a signal. */
import { dirname, join, resolve } from "node:path";
import type { DirectorSettings } from "#model/document/document.ts";
import { parseDocument } from "#model/document/parse-document.ts";
import { durationMsOf } from "#model/units.ts";
import { buildChangeApi } from "./admin-api/build-change-api.ts";
import { largeBodiesIn } from "./admin-api/read-large-body.ts";
import { startAdminApi } from "./admin-api/start-admin-api.ts";
import { startObserve } from "./admin-api/start-observe.ts";
import { buildDirector, MANIFEST } from "./build-director.ts";
import { checkFile, documentRefusal } from "./check-file.ts";
import { demoBanner } from "./demo/demo-banner.ts";
import { prepareDemo, provideDemoDocument } from "./demo/prepare-demo.ts";
import { runOldClient } from "./demo/run-old-client.ts";
import { startDemoEndpoints } from "./demo/start-demo-endpoints.ts";
import { reopenSecrets } from "./change/reopen-secrets.ts";
import type { DirectorView } from "./director-view.ts";
import { kernelNotices } from "./kernel-notices.ts";
import { catchOperatorSignals, catchStopSignals } from "./operator-signals.ts";
import { LocalAddresses } from "./network/local-addresses.ts";
import { EngineChoice } from "./serving-engine.ts";
import { leaveRoot } from "./privileges/become-control-user.ts";
import { takePassedFiles } from "./privileges/pass-files.ts";
import type { MaterialReader } from "./reader/material-reader.ts";
import { writeBackup } from "./state/backup/write-backup.ts";
import { handOverKeyFolder } from "./sealing/hand-over-key-folder.ts";
import { changeMasterKey } from "./sealing/change-master-key.ts";
import { keyFilesOf, keyPlacesOf } from "./sealing/key-places.ts";
import { MasterKeys } from "./sealing/master-keys.ts";
import { sealStoredSecrets } from "./sealing/seal-stored-secrets.ts";
import { handOverFolders, openFolders } from "./state/open-folders.ts";
import { wantedFoldersOf, type WantedFolders } from "./state/wanted-folders.ts";
import { buildLog, loadPrettify, type Logger } from "./telemetry/log.ts";
import { LogLevel } from "./telemetry/log-level.ts";
import { ConnectionRequests } from "./workers/connection-requests.ts";

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

/**
 * Runs a director until a signal stops it. Resolves to the exit code, which is 0 after a drain, and also if a second signal ended
 * the drain early. Throws DirectorError if the director cannot start.
 */
export async function serve(options: ServeOptions): Promise<number> {
  await using cleanup = new AsyncDisposableStack();
  const stopSignals = catchStopSignals(process, cleanup);
  const isPretty = process.stdout.isTTY && options.isJson !== true;
  const prettify = isPretty ? await loadPrettify() : undefined;
  const wholeLog = buildLog({ level: options.logLevel, prettify });
  const { logger: log } = wholeLog;
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
    addresses: new LocalAddresses(),
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
  const { dataPath } = wanted;
  const credentialsFolder = process.env["CREDENTIALS_DIRECTORY"];
  const keySurroundings = { folder, dataPath, credentialsFolder };
  const keyPlaces = keyPlacesOf(settings, keySurroundings);
  // `leaveRoot` may replace this process by exec. Its child processes must have ended before.
  if (process.getuid?.() === 0) await Promise.all([reader.rest(), engines.rest()]);
  const userNotice = leaveRoot(settings.user, demo !== undefined, process, {
    read: [
      ...[process.execPath, import.meta.filename, MANIFEST],
      ...(configPath === undefined ? [] : [configPath]),
    ],
    pass: keyFilesOf(keyPlaces),
    handOver: (user) => {
      handOverFolders(wanted, user);
      if (settings.masterKey === undefined) handOverKeyFolder(dataPath, user);
    },
  });
  const passedFiles = takePassedFiles(process.env, process.pid);
  const folders = openFolders(wanted);
  cleanup.defer(() => folders.release());
  const masterKeys = await MasterKeys.read(keyPlaces, passedFiles);

  const {
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
    withKept,
  } = buildDirector({
    settings,
    workers: options.workers ?? settings.workers,
    isDemo: demo !== undefined,
    log: wholeLog,
    engines,
    checkParts,
    configPath,
    folder,
    folders,
    masterKeys,
    notices: [...kernelNotices(), userNotice, folders.notice],
    host: process,
    cleanup,
  });
  const actions = {
    reload: () =>
      director.change({ kind: "document", by: { origin: "signal" }, want: wants.file(false) }),
    replaceWorkers: () => director.replaceWorkers(),
  };
  catchOperatorSignals(process, actions, bus, cleanup);
  const socketPath = join(folders.runtimePath, "tlsd.sock");
  await sealedKeys.start();
  await sealStoredSecrets({ store, notices });
  await inventory.start();
  const api = await buildChangeApi({
    ...{ changes: director, wants, store, secretKey: sealedKeys.fingerprintKey },
    settings,
    view,
    backup: () => writeBackup(state, version),
  });
  const connections = new ConnectionRequests({
    workers: () => pool.answering(),
    orphans: () => orphans.status(),
    bus,
  });
  const logLevel = new LogLevel(log);
  cleanup.defer(() => logLevel.close());
  const readLargeBody = largeBodiesIn(reader);
  const admin = await startAdminApi({
    failBack: (profile) => standby.failBack(profile),
    setMasterKey: async () => {
      const surroundings = keySurroundings;
      const parts = { sealedKeys, configPath, settings, surroundings, reader, bus };
      const changed = await changeMasterKey(parts);
      await sealStoredSecrets({ store, notices });
      await reopenSecrets({ store, wants, change: (request) => director.change(request) });
      return changed;
    },
    ...{ socketPath, view, api, connections, logLevel, doctor, log, notices, readLargeBody },
    ...{ inventory, certificateWants },
  });
  cleanup.defer(() => admin.close());
  const observe = await tryObserve(settings.observe, view, log);
  cleanup.defer(() => observe?.close());
  if (caPath !== undefined) {
    const endpoints = await startDemoEndpoints();
    cleanup.defer(() => endpoints.close());
  }

  const whole = file === undefined ? undefined : await withKept(file);
  const started = director.start(whole, options.appliesFile);
  started.catch(isStoppedMeanwhile);
  await Promise.race([started, stopSignals.first]);
  if (director.phase === "serving") {
    staged.start();
    fileVersions.start();
    orphans.dismiss(bus, cleanup);
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
    staged.close();
    fileVersions.close();
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

async function tryObserve(address: string | undefined, view: DirectorView, log: Logger) {
  return address === undefined ? undefined : startObserve({ address, view, log });
}
