import { chmod, lstat, rename, rm } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { errorCodeOf } from "#model/error-code.ts";
import { DirectorError } from "#model/failure.ts";
import type { DirectorView } from "#control/director-view.ts";
import type { Notices } from "#control/notice.ts";
import { isStorageTrouble } from "#control/state/storage-trouble.ts";
import type { Logger } from "#control/telemetry/log.ts";
import { addChangeRoutes, type Changes } from "./add-change-routes.ts";
import { addProbeRoutes } from "./add-probe-routes.ts";
import { addStatusRoutes } from "./add-status-routes.ts";
import { buildHttpApp } from "./build-http-app.ts";

export interface AdminApi {
  readonly socketPath: string;
  /** Ends open connections and removes the socket. */
  close(): Promise<void>;
}

export interface AdminApiOptions {
  readonly socketPath: string;
  readonly view: DirectorView;
  readonly changes: Changes;
  readonly log: Logger;
  readonly notices: Notices;
}

/** What `sun_path` holds besides its terminating zero, unix(7). */
const MAX_SOCKET_PATH_BYTES = 107;
const CHECK_MS = 2_000;
const MISSING = "admin-socket-missing";

/**
 * Serves the admin API on a unix socket with mode 0600, in a folder that only its owner can enter, so that nobody else
 * connects before it has its mode. The caller holds the lock of the folder: a socket that is already there was left by a
 * dead director and is replaced. A socket that is removed while the director runs is made again, and one that a full or
 * broken disk does not allow is tried again; a notice stands meanwhile. Throws `data-unusable` for anything else.
 */
export async function startAdminApi(options: AdminApiOptions): Promise<AdminApi> {
  const { socketPath, notices } = options;
  let socket = await tryServeSocket(options);
  let isClosed = false;
  let under = Promise.resolve();
  const restore = async (): Promise<void> => {
    if (isClosed || (socket !== undefined && !(await isGone(socketPath)))) return;
    await socket?.app.close();
    socket = await tryServeSocket(options);
    if (socket !== undefined) notices.clear(MISSING);
  };
  const onRefused = (error: unknown): void => raiseMissing(notices, error);
  const timer = setInterval(() => {
    under = under.then(restore).catch(onRefused);
  }, CHECK_MS);
  return {
    socketPath,
    async close() {
      isClosed = true;
      clearInterval(timer);
      await under;
      await socket?.app.close();
      // A successor may have put its own there by now.
      const found = await tryLstat(socketPath);
      if (found?.ino === socket?.ino) await rm(socketPath, { force: true }).catch(leaveBehind);
    },
  };
}

interface ServedSocket {
  readonly app: ReturnType<typeof buildHttpApp>;
  readonly ino: number;
}

async function serveSocket({
  socketPath,
  view,
  changes,
  log,
}: AdminApiOptions): Promise<ServedSocket> {
  const app = buildHttpApp(log);
  addProbeRoutes(app, view);
  addStatusRoutes(app, view);
  addChangeRoutes(app, changes);
  try {
    await refuseOtherFile(socketPath);
    // The runtime removes what it has bound when it closes, which may be a successor's by then: the name must be another.
    const bornAt = join(dirname(socketPath), `.${basename(socketPath)}.new`);
    if (Buffer.byteLength(bornAt) > MAX_SOCKET_PATH_BYTES) {
      throw new DirectorError(
        "data-unusable",
        `The path of the socket is too long: ${socketPath}.`,
      );
    }
    await rm(bornAt, { force: true });
    await app.listen({ path: bornAt });
    await chmod(bornAt, 0o600);
    const { ino } = await lstat(bornAt);
    await rename(bornAt, socketPath);
    return { app, ino };
  } catch (error) {
    await app.close();
    if (error instanceof DirectorError) throw error;
    const detail = error instanceof Error ? error.message : String(error);
    throw new DirectorError("data-unusable", detail, { cause: error });
  }
}

/** Returns undefined, and raises a notice, if the disk is full or broken: a director without a socket still serves clients. */
async function tryServeSocket(options: AdminApiOptions): Promise<ServedSocket | undefined> {
  try {
    return await serveSocket(options);
  } catch (error) {
    if (!isStorageTrouble(error)) throw error;
    raiseMissing(options.notices, error);
    return undefined;
  }
}

function raiseMissing(notices: Notices, error: unknown): void {
  const detail = error instanceof DirectorError ? (error.detail ?? "") : String(error);
  notices.raise({
    event: MISSING,
    text: `There is no admin socket. It is tried again every ${CHECK_MS / 1000} seconds. ${detail}`,
  });
}

/** A socket that nobody listens on does no harm; the next start replaces it. */
const leaveBehind = (): void => undefined;

async function tryLstat(path: string) {
  try {
    return await lstat(path);
  } catch {
    return undefined;
  }
}

async function isGone(path: string): Promise<boolean> {
  try {
    await lstat(path);
    return false;
  } catch (error) {
    return errorCodeOf(error) === "ENOENT";
  }
}

async function refuseOtherFile(socketPath: string): Promise<void> {
  const found = await tryLstat(socketPath);
  if (found === undefined || found.isSocket()) return;
  throw new DirectorError("data-unusable", `${socketPath} is there and is not a socket.`);
}
