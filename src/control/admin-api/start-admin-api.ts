import { chmod, lstat, mkdtemp, rename, rm, rmdir } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { DirectorError } from "#model/failure.ts";
import type { DirectorView } from "#control/director-view.ts";
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

/** What `sun_path` holds besides its terminating zero, unix(7). */
const MAX_SOCKET_PATH_BYTES = 107;

/**
 * Serves the admin API on a unix socket with mode 0600. The caller holds the lock of the data folder: a socket that is
 * already there was left by a dead director and is replaced. Throws `data-unusable`.
 */
export async function startAdminApi(options: {
  readonly socketPath: string;
  readonly view: DirectorView;
  readonly changes: Changes;
  readonly log: Logger;
}): Promise<AdminApi> {
  const { socketPath, view, changes, log } = options;
  const app = buildHttpApp(log);
  addProbeRoutes(app, view);
  addStatusRoutes(app, view);
  addChangeRoutes(app, changes);
  try {
    await refuseOtherFile(socketPath);
    // It gets its mode in a folder that nobody else can enter, so no one connects before; the rename is atomic.
    const folder = await mkdtemp(join(dirname(socketPath), ".sock-"));
    const bornAt = join(folder, basename(socketPath));
    if (Buffer.byteLength(bornAt) > MAX_SOCKET_PATH_BYTES) {
      await rmdir(folder);
      throw new DirectorError(
        "data-unusable",
        `The path of the socket is too long: ${socketPath}.`,
      );
    }
    try {
      await app.listen({ path: bornAt });
      await chmod(bornAt, 0o600);
      await rename(bornAt, socketPath);
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
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
      const found = await lstat(socketPath).catch(() => undefined);
      // A successor may have put its own there by now.
      if (found?.ino === ino) await rm(socketPath, { force: true });
    },
  };
}

async function refuseOtherFile(socketPath: string): Promise<void> {
  const found = await lstat(socketPath).catch(() => undefined);
  if (found === undefined || found.isSocket()) return;
  throw new DirectorError("data-unusable", `${socketPath} is there and is not a socket.`);
}
