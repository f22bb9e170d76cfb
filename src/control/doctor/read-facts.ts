import { execFile } from "node:child_process";
import { access, constants, readFile, stat } from "node:fs/promises";
import { listenersOf, vnicsOf } from "#model/document/document-listeners.ts";
import type { CertificateStatus, WorkerStatus } from "#model/records/status.ts";
import type { StateInForce } from "../change/change.ts";
import { connectionLimitOf, readOpenFileLimit } from "../connection-limit.ts";
import { addCommandOf, readNetworkFacts } from "../network/add-command.ts";
import { tryProcessFacts } from "../process-facts.ts";
import type { EngineBinary } from "../workers/find-engine.ts";
import type { DoctorFacts, FolderFacts } from "./doctor-facts.ts";
import { otherListeners } from "./listening-sockets.ts";

export interface DoctorParts {
  readonly inForce: () => Pick<StateInForce, "document" | "absences"> | undefined;
  readonly certificates: () => readonly CertificateStatus[];
  readonly workers: () => readonly WorkerStatus[];
  readonly wantedWorkers: number;
  readonly engine: EngineBinary;
  readonly dataPath: string;
  readonly runtimePath: string;
  /** Undefined if the director has no file. */
  readonly configPath: string | undefined;
  readonly pid: number;
  readonly ownUid: number;
}

const DEADLINE_MS = 2_000;
const SYSCTLS = "/proc/sys/net";
/** systemd-timesyncd writes the one file when it runs, and the other when it has synchronised the clock. */
const TIMESYNC = "/run/systemd/timesync";

/** Reads all facts that the checks judge. It asks the machine only, and takes no lock and no privilege. */
export async function readDoctorFacts(parts: DoctorParts): Promise<DoctorFacts> {
  const inForce = parts.inForce();
  const document = inForce?.document;
  const workers = parts.workers();
  const vnics = document === undefined ? [] : vnicsOf(document);
  const listeners = document === undefined ? [] : listenersOf(document);
  const settings = document?.director;
  const limit = readOpenFileLimit();
  const maxConnections = settings?.maxConnections ?? "auto";
  const { perWorker } = connectionLimitOf("auto", parts.wantedWorkers, limit);
  const workerUids = workers.flatMap(({ pid }) => tryProcessFacts(pid)?.uid ?? []);
  const [migrate, somaxconn, nonlocal, folders, isExecutable, users, others, clock] =
    await Promise.all([
      tryText(`${SYSCTLS}/ipv4/tcp_migrate_req`),
      tryText(`${SYSCTLS}/core/somaxconn`),
      tryText(`${SYSCTLS}/ipv4/ip_nonlocal_bind`),
      Promise.all([folderFacts("data", parts.dataPath), folderFacts("runtime", parts.runtimePath)]),
      isAccessible(parts.engine.file, constants.X_OK),
      Promise.all(
        [settings?.user ?? "tlsd", settings?.workerUser ?? "tlsd-worker"].map(async (name) => ({
          name,
          exists: await tryUserExists(name),
        })),
      ),
      otherListeners(
        listeners.map(({ name, owner, listener: { port } }) => ({ name, ip: owner.vnic.ip, port })),
        {
          pids: new Set([parts.pid, ...workers.map(({ pid }) => pid)]),
          uids: new Set([parts.ownUid, ...workerUids]),
        },
      ),
      clockFacts(parts),
    ]);
  return {
    nowMs: Date.now(),
    ownUid: parts.ownUid,
    pid: parts.pid,
    openFiles: {
      limit,
      connectionsPerWorker: perWorker(listeners.length),
      wantedPerWorker:
        maxConnections === "auto" ? undefined : Math.floor(maxConnections / parts.wantedWorkers),
    },
    migrateRequests: migrate,
    somaxconn: somaxconn === undefined ? undefined : Number(somaxconn),
    isNonlocalBindAllowed: nonlocal === "1",
    missingIps: [...(inForce?.absences ?? [])].flatMap(([ip, { code }]) =>
      code === "address-not-available" ? [ip] : [],
    ),
    addCommandOf: (ip) => addCommandOf(ip, readNetworkFacts()),
    virtualIpCount: vnics.length,
    clock,
    folders,
    engine: {
      name: parts.engine.engine,
      file: parts.engine.file,
      isExecutable,
      notice: parts.engine.notice?.text,
      servingWorkers: workers.filter(({ state }) => state === "serving").length,
      wantedWorkers: parts.wantedWorkers,
    },
    users,
    others,
  };
}

async function folderFacts(kind: FolderFacts["kind"], path: string): Promise<FolderFacts> {
  const isWritable = await isAccessible(path, constants.W_OK | constants.X_OK);
  try {
    const { mode, uid } = await stat(path);
    return { kind, path, mode, uid, isWritable };
  } catch {
    return { kind, path, mode: undefined, uid: undefined, isWritable };
  }
}

async function clockFacts({
  configPath,
  dataPath,
  certificates,
}: DoctorParts): Promise<DoctorFacts["clock"]> {
  const times = await Promise.all(
    [...(configPath === undefined ? [] : [configPath]), dataPath].map(tryWrittenMs),
  );
  const known = times.filter((time) => time !== undefined);
  return {
    newestFileMs: known.length === 0 ? undefined : Math.max(...known),
    certificates: certificates().flatMap(({ name, facts }) =>
      facts === undefined ? [] : [{ name, notBeforeMs: facts.notBeforeMs }],
    ),
    isSynchronised: (await isAccessible(TIMESYNC, constants.F_OK))
      ? await isAccessible(`${TIMESYNC}/synchronized`, constants.F_OK)
      : undefined,
  };
}

/** Asks `id`, which uses every source of users of the machine. Resolves to undefined if it cannot be asked. */
function tryUserExists(name: string): Promise<boolean | undefined> {
  const { promise, resolve } = Promise.withResolvers<boolean | undefined>();
  try {
    execFile("id", ["-u", "--", name], { timeout: DEADLINE_MS, cwd: "/" }, (error) => {
      resolve(error === null ? true : typeof error.code === "number" ? false : undefined);
    });
  } catch {
    resolve(undefined);
  }
  return promise;
}

async function tryText(path: string): Promise<string | undefined> {
  try {
    return (await readFile(path, "utf8")).trim();
  } catch {
    return undefined;
  }
}

async function tryWrittenMs(path: string): Promise<number | undefined> {
  try {
    return (await stat(path)).mtimeMs;
  } catch {
    return undefined;
  }
}

async function isAccessible(path: string, mode: number): Promise<boolean> {
  try {
    await access(path, mode);
    return true;
  } catch {
    return false;
  }
}
