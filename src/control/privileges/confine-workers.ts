import { readFileSync } from "node:fs";
import type { Notice } from "#control/notice.ts";
import { hasSetpriv, NO_NEW_PRIVILEGES, setprivOf, tryReadAs } from "./setpriv.ts";
import { trySystemUser, type SystemUser } from "./system-user.ts";

export interface Confinement {
  /** The part of a worker's command line before the engine. */
  readonly prefix: readonly string[];
  /** Undefined if workers run as the user of the control process. */
  readonly user: SystemUser | undefined;
  /** States why the boundary between control process and workers is missing or weak. Undefined if it is neither. */
  readonly notice: Notice | undefined;
}

/** The overflow uid of the kernel. In small containers it has no name. */
const NOBODY: SystemUser = { name: "nobody", uid: 65_534, gid: 65_534 };

/** Bit numbers of capabilities(7). */
const CAPABILITIES = { setgid: 6, setuid: 7 } as const;

/**
 * Workers run as the user `name`, or as nobody if that user does not exist, with CAP_NET_BIND_SERVICE as their only capability
 * and with no_new_privs. If this process may not become that user, or the user cannot read `programFiles`, workers run as the
 * user of this process.
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

/** Confines workers to this user, without checks. */
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

/** Returns true if this process may change its user and group. Root may, and a process to which systemd gives CAP_SETUID. */
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
