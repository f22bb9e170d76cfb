import { chmod, lstat, rename, rm } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import type { FastifyInstance } from "fastify";
import { errorCodeOf } from "#model/error-code.ts";
import { DirectorError } from "#model/failure.ts";
import type { Notices } from "#control/notice.ts";
import { isStorageTrouble } from "#control/state/storage-trouble.ts";
import { addReferenceRoutes } from "./add-reference-routes.ts";
import { addRoutes, type RouteParts } from "./add-routes.ts";
import { buildHttpApp } from "./build-http-app.ts";
import type { ReadLargeBody } from "./parse-body.ts";

export interface AdminApi {
  readonly socketPath: string;
  /** Ends open connections and removes the socket. */
  close(): Promise<void>;
}

export interface AdminApiOptions extends RouteParts {
  readonly socketPath: string;
  readonly notices: Notices;
  readonly readLargeBody: ReadLargeBody;
}

/** The size of `sun_path` without its terminating zero (unix(7)). */
const MAX_SOCKET_PATH_BYTES = 107;
const CHECK_MS = 2_000;
const MISSING = "admin-socket-missing";

/**
 * Serves the admin API on a unix socket with mode 0600. Only the owner may enter its folder, so nobody else can connect before
 * the socket has its mode. The caller has locked the folder, so an existing socket is that of a director that has ended, and is
 * replaced. If the socket is removed while the director runs, or a full or broken disk prevents its creation, it is created
 * again later, and a notice stands until then. Rejects with `data-unusable` for any other reason.
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
      // The path may already be that of the next director's socket.
      const found = await tryLstat(socketPath);
      if (found?.ino === socket?.ino) await rm(socketPath, { force: true }).catch(leaveBehind);
    },
  };
}

interface ServedSocket {
  readonly app: FastifyInstance;
  readonly ino: number;
}

async function serveSocket(options: AdminApiOptions): Promise<ServedSocket> {
  const { socketPath, readLargeBody, notices: _, ...parts } = options;
  const { app, list } = buildHttpApp(parts.log, readLargeBody);
  addRoutes(app, parts);
  addReferenceRoutes(app, list, parts.view.status().version);
  try {
    await refuseOtherFile(socketPath);
    // When a server closes, the runtime removes the path that it was bound to. That must not be the path of the socket,
    // which may belong to the next director by then.
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

/** If the disk is full or broken, raises a notice and returns undefined, because the director can still serve clients. */
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
    text: `The admin socket cannot be opened. The director tries again every ${CHECK_MS / 1000} seconds. ${detail}`,
  });
}

/** A socket without a server does no harm. The next start replaces it. */
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
  throw new DirectorError("data-unusable", `${socketPath} exists and is not a socket.`);
}
