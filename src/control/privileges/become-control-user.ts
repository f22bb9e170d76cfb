import type { Notice } from "#control/notice.ts";
import { planControlUser } from "./plan-control-user.ts";
import type { SystemUser } from "./system-user.ts";
import { tryHandOverUnitCgroup } from "./unit-cgroup.ts";

/** What of `process` it takes to run the same command again as somebody else. */
export interface SelfCommand {
  readonly execPath: string;
  readonly execArgv: readonly string[];
  readonly argv: readonly string[];
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Replaces this process, pid and open standard streams included; does not return. */
  readonly execve: (file: string, args: string[], env: Record<string, string>) => void;
}

export interface ControlFiles {
  /** What the control process reads on its way. */
  readonly read: readonly string[];
  /** Gives the user the folders that the control process writes to. */
  readonly handOver: (user: SystemUser) => void;
}

/**
 * For a control process that is root: hands its folders to user `name` and starts over as them. Returns, with a notice,
 * only where that cannot be.
 */
export function becomeControlUser(name: string, files: ControlFiles, self: SelfCommand): Notice {
  const plan = planControlUser(name, files.read);
  if (plan.kind === "stay") return plan.notice;
  files.handOver(plan.user);
  tryHandOverUnitCgroup(plan.user);
  const env = Object.entries(self.env).flatMap(([key, value]) =>
    value === undefined ? [] : [[key, value] as const],
  );
  const command = [self.execPath, ...self.execArgv, ...self.argv.slice(1)];
  self.execve(
    "/bin/sh",
    // A core file of the control process would hold every private key.
    ["sh", "-c", 'ulimit -c 0; exec "$0" "$@"', ...plan.prefix, ...command],
    Object.fromEntries(env),
  );
  throw new Error("execve returned.");
}
