/** setpriv(1) of util-linux starts a program as another user with fewer privileges; it makes way for it by exec. */
import { runBriefly } from "./run-briefly.ts";
import type { SystemUser } from "./system-user.ts";

export const hasSetpriv = (): boolean => runBriefly("setpriv", ["--version"]).status === 0;

/** For whom stays who they are: no program that they start gains privileges by its file. */
export const NO_NEW_PRIVILEGES = ["setpriv", "--no-new-privs", "--"] as const;

/** What stands on a command line before the program that runs as `user` with `capabilities` (`+kill,…`) and no others. */
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

/** Undefined when who `prefix` makes can read all of `files`, else what stood in the way. */
export function tryReadAs(prefix: readonly string[], files: readonly string[]): string | undefined {
  const script = 'for file; do test -r "$file" || { echo "$file is not readable"; exit 1; }; done';
  const [command = "", ...args] = [...prefix, "/bin/sh", "-c", script, "sh", ...files];
  const { status, stdout, stderr } = runBriefly(command, args);
  if (status === 0) return undefined;
  return `${stdout}${stderr}`.trim().split("\n")[0] || "it could not be tried";
}
