import { readFileSync } from "node:fs";
import type { Notice } from "#control/notice.ts";
import { hasSetpriv, NO_NEW_PRIVILEGES, setprivOf, tryReadAs } from "./setpriv.ts";
import { trySystemUser, type SystemUser } from "./system-user.ts";

/** What stands before the engine on a worker's command line. */
export interface Confinement {
  readonly prefix: readonly string[];
  /** Undefined where workers run as the control process does. */
  readonly user: SystemUser | undefined;
  /** Why the boundary between control process and workers is missing or weak, where it is. */
  readonly notice: Notice | undefined;
}

/** The kernel's overflow uid, which has no name in the smallest of containers. */
const NOBODY: SystemUser = { name: "nobody", uid: 65_534, gid: 65_534 };

/** Their numbers in capabilities(7). */
const CAPABILITIES = { setgid: 6, setuid: 7 } as const;

/**
 * Workers run as the user called `name`, or as nobody if there is none, with CAP_NET_BIND_SERVICE and no-new-privs only,
 * where this process may become that user and the user can read `programFiles`. Otherwise they run as this process does.
 */
export function confineWorkers(name: string, programFiles: readonly string[]): Confinement {
  if (!hasSetpriv()) return unconfined([], "setpriv (package util-linux) is not installed.");
  if (!canSwitchUser()) {
    return unconfined(NO_NEW_PRIVILEGES, "The director was not started as root.");
  }
  const found = trySystemUser(name);
  const user = found ?? trySystemUser(NOBODY.name) ?? NOBODY;
  const { prefix } = confineTo(user);
  const obstacle = tryReadAs(prefix, programFiles);
  if (obstacle !== undefined) {
    return unconfined(NO_NEW_PRIVILEGES, `User ${user.name} cannot run the workers: ${obstacle}.`);
  }
  if (user.uid === 0 || user.uid === process.getuid?.()) {
    const { notice } = unconfined(prefix, `director.workerUser is ${name}.`);
    return { prefix, user, notice };
  }
  return { prefix, user, notice: found === undefined ? missing(name, user) : undefined };
}

/** As that user, whoever it is. */
export const confineTo = (user: SystemUser): Confinement => ({
  prefix: setprivOf(user, "--clear-groups", "+net_bind_service"),
  user,
  notice: undefined,
});

const missing = (name: string, user: SystemUser): Notice => ({
  event: "worker-user-missing",
  text:
    `There is no user ${name} (director.workerUser): the workers run as ${user.name}. Other programs that run as this user could ` +
    "signal the workers, read their memory and share their ports. " +
    `\`useradd --system --no-create-home --shell /usr/sbin/nologin ${name}\` creates the user.`,
});

const unconfined = (prefix: readonly string[], reason: string): Confinement => ({
  prefix,
  user: undefined,
  notice: {
    event: "no-privilege-boundary",
    text:
      "Workers run as the user of the control process: a worker that is taken over could read keys and state. " +
      `${reason} Start the director as root or by its systemd unit, with program files that everyone may read.`,
  },
});

/** Whether this process may become another user and group. True for root, and for whom systemd gives CAP_SETUID. */
function canSwitchUser(): boolean {
  const hex = /^CapEff:\s*([0-9a-f]+)$/m.exec(tryOwnStatus())?.[1];
  if (hex === undefined) return process.getuid?.() === 0;
  const effective = BigInt(`0x${hex}`);
  return Object.values(CAPABILITIES).every((bit) => ((effective >> BigInt(bit)) & 1n) === 1n);
}

function tryOwnStatus(): string {
  try {
    return readFileSync("/proc/self/status", "utf8");
  } catch {
    return "";
  }
}
