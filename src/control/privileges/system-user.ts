import { spawnSync } from "node:child_process";

export interface SystemUser {
  readonly name: string;
  readonly uid: number;
  readonly gid: number;
}

const DEADLINE_MS = 5_000;

/** Asks `id`, which knows every source of users that the machine has. Undefined where there is no such user. */
export function trySystemUser(name: string): SystemUser | undefined {
  const uid = numberOf("-u", name);
  const gid = numberOf("-g", name);
  return uid === undefined || gid === undefined ? undefined : { name, uid, gid };
}

function numberOf(option: "-u" | "-g", name: string): number | undefined {
  const { status, stdout } = spawnSync("id", [option, "--", name], {
    encoding: "utf8",
    timeout: DEADLINE_MS,
  });
  return status === 0 && /^\d+\n$/.test(stdout) ? Number(stdout) : undefined;
}
