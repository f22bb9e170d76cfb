import type { Notice } from "#control/notice.ts";
import { passFiles } from "./pass-files.ts";
import { planControlUser } from "./plan-control-user.ts";
import type { SystemUser } from "./system-user.ts";
import { tryHandOverUnitCgroup } from "./unit-cgroup.ts";

/** The parts of `process` that are needed to run the same command again as another user. */
export interface SelfCommand {
  readonly execPath: string;
  readonly execArgv: readonly string[];
  readonly argv: readonly string[];
  readonly pid: number;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Replaces the program of this process, which keeps its pid and standard streams. Does not return. */
  readonly execve: (file: string, args: string[], env: Record<string, string>) => void;
}

export interface ControlFiles {
  /** The files that the control process reads when it starts. */
  readonly read: readonly string[];
  /** Files that root opens for the control process, whose user may not read them. */
  readonly pass: readonly string[];
  /** Makes the user the owner of the folders that the control process writes to. */
  readonly handOver: (user: SystemUser) => void;
}

/**
 * Called if the control process is root: gives its folders to the user `name` and starts the program again as that user.
 * Returns a notice if that is not possible, and otherwise does not return.
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
  const passed = passFiles(files.pass, self.pid);
  self.execve(
    "/bin/sh",
    // A core file of the control process would contain every private key.
    ["sh", "-c", `ulimit -c 0; ${passed.script}`, "sh", ...passed.args, ...plan.prefix, ...command],
    { ...Object.fromEntries(env), ...passed.env },
  );
  throw new Error("execve returned.");
}

/** The parts of `process` that `leaveRoot` needs. */
type OwnProcess = Pick<
  NodeJS.Process,
  "getuid" | "execPath" | "execArgv" | "argv" | "env" | "pid" | "execve"
>;

/**
 * If the control process runs as root, starts the program again as the user `name` and does not return. Returns a notice if the
 * process continues to run as root, and undefined if it does not run as root.
 */
export function leaveRoot(
  name: string,
  isDemo: boolean,
  own: OwnProcess,
  files: ControlFiles,
): Notice | undefined {
  if (own.getuid?.() !== 0) return undefined;
  if (isDemo) {
    const text =
      "The control process of the demo continues to run as root, so that it can write its certificates.";
    return { event: "control-runs-as-root", text };
  }
  const { execPath, execArgv, argv, env, pid } = own;
  const execve: SelfCommand["execve"] = (file, args, newEnv) => own.execve?.(file, args, newEnv);
  return becomeControlUser(name, files, { execPath, execArgv, argv, env, pid, execve });
}
