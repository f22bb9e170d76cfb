import type { Notice } from "#control/notice.ts";
import { canSwitchUser } from "./capabilities.ts";
import { hasSetpriv, NO_NEW_PRIVILEGES, setprivOf, tryReadAs } from "./setpriv.ts";
import { trySystemUser } from "./system-user.ts";

/** What stands before the engine on a worker's command line. */
export interface Confinement {
  readonly prefix: readonly string[];
  /** Why there is no boundary between control process and workers, where there is none. */
  readonly notice: Notice | undefined;
}

/**
 * Workers run as `user` with CAP_NET_BIND_SERVICE and no-new-privs only, where this process may become that user and the
 * user can read `programFiles`. Otherwise they run as this process does, and the notice says why.
 */
export function confineWorkers(user: string, programFiles: readonly string[]): Confinement {
  if (!hasSetpriv()) return unconfined([], "setpriv (package util-linux) is not installed.");
  if (!canSwitchUser()) {
    return unconfined(NO_NEW_PRIVILEGES, "The director was not started as root.");
  }
  const found = trySystemUser(user);
  if (found === undefined) {
    return unconfined(NO_NEW_PRIVILEGES, `There is no user ${user} (director.workerUser).`);
  }
  const prefix = setprivOf(found, "--clear-groups", "+net_bind_service");
  const obstacle = tryReadAs(prefix, programFiles);
  return obstacle === undefined
    ? { prefix, notice: undefined }
    : unconfined(NO_NEW_PRIVILEGES, `User ${user} cannot run the workers: ${obstacle}.`);
}

const unconfined = (prefix: readonly string[], reason: string): Confinement => ({
  prefix,
  notice: {
    event: "no-privilege-boundary",
    text:
      "Workers run as the user of the control process: one that is taken over can read keys and state. " +
      `${reason} Start the director as root or by its systemd unit, with program files that everyone may read.`,
  },
});
