import { chmod, lstat, rename, rm } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
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
}

/** What `sun_path` holds besides its terminating zero, unix(7). */
const MAX_SOCKET_PATH_BYTES = 107;

/**
 * Serves the admin API on a unix socket with mode 0600, in a folder that only its owner can enter, so that nobody else
 * connects before it has its mode. The caller holds the lock of the folder: a socket that is already there was left by a
 * dead director and is replaced. It takes no room on the disk. Throws `data-unusable`.
 */
export async function startAdminApi(options: AdminApiOptions): Promise<AdminApi> {
  const { socketPath, view, changes, log } = options;
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
    await rename(bornAt, socketPath);
  } catch (error) {
    await app.close();
    if (error instanceof DirectorError) throw error;
    const detail = error instanceof Error ? error.message : String(error);
    throw new DirectorError("data-unusable", detail, { cause: error });
  }
  const { ino } = await lstat(socketPath);
  return {
    socketPath,
    async close() {
      await app.close();
      // A successor may have put its own there by now.
      const found = await tryLstat(socketPath);
      if (found?.ino === ino) await rm(socketPath, { force: true }).catch(isLeftBehind);
    },
  };
}

/**
 * As `startAdminApi`, but a disk that is full or broken is only noted: a director that serves clients and has no admin socket
 * is better than none.
 */
export async function tryStartAdminApi(
  options: AdminApiOptions & { readonly notices: Notices },
): Promise<AdminApi | undefined> {
  try {
    return await startAdminApi(options);
  } catch (error) {
    if (!(error instanceof DirectorError) || !isStorageTrouble(error)) throw error;
    options.notices.raise({
      event: "admin-socket-missing",
      text: `There is no admin socket until the next start. ${error.detail ?? ""}`,
    });
    return undefined;
  }
}

/** A socket that nobody listens on does no harm; the next start replaces it. */
const isLeftBehind = (): void => undefined;

async function tryLstat(path: string) {
  try {
    return await lstat(path);
  } catch {
    return undefined;
  }
}

async function refuseOtherFile(socketPath: string): Promise<void> {
  const found = await tryLstat(socketPath);
  if (found === undefined || found.isSocket()) return;
  throw new DirectorError("data-unusable", `${socketPath} is there and is not a socket.`);
}
