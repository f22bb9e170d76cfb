/** setpriv(1) of util-linux replaces itself by exec with a program that has another user or fewer privileges. */
import { runBriefly } from "./run-briefly.ts";
import type { SystemUser } from "./system-user.ts";

let isInstalled: boolean | undefined;

/** The answer is kept, because a start of a director needs it twice. */
export function hasSetpriv(): boolean {
  isInstalled ??= runBriefly("setpriv", ["--version"]).status === 0;
  return isInstalled;
}

/** Keeps the user, and prevents that a program gains privileges from its file, e.g. by a setuid bit. */
export const NO_NEW_PRIVILEGES = ["setpriv", "--no-new-privs", "--"] as const;

/** Returns the prefix of a command that runs as `user` with only these `capabilities`, e.g. `+kill,+setuid`. */
export function setprivOf(
  user: SystemUser,
  groups: "--clear-groups" | "--init-groups",
  capabilities: string,
): readonly string[] {
  return [
    "setpriv",
    `--reuid=${user.uid}`,
    `--regid=${user.gid}`,
    groups,
    `--inh-caps=-all,${capabilities}`,
    `--ambient-caps=-all,${capabilities}`,
    `--bounding-set=-all,${capabilities}`,
    "--no-new-privs",
    "--",
  ];
}

/** Returns why a command with `prefix` cannot read all of `files`, or undefined if it can. */
export function tryReadAs(prefix: readonly string[], files: readonly string[]): string | undefined {
  const script = 'for file; do test -r "$file" || { echo "$file is not readable"; exit 1; }; done';
  const [command = "", ...args] = [...prefix, "/bin/sh", "-c", script, "sh", ...files];
  const { status, stdout, stderr } = runBriefly(command, args);
  if (status === 0) return undefined;
  return `${stdout}${stderr}`.trim().split("\n")[0] || "the user could not be tried";
}
