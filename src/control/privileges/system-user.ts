import { runBriefly } from "./run-briefly.ts";

export interface SystemUser {
  readonly name: string;
  readonly uid: number;
  readonly gid: number;
}

/** Asks `id`, which knows every source of users that the machine has. Undefined where there is no such user. */
export function trySystemUser(name: string): SystemUser | undefined {
  const { status, stdout } = runBriefly("id", ["--", name]);
  const [, uid, gid] = /^uid=(\d+)(?:\([^)]*\))? gid=(\d+)/.exec(stdout) ?? [];
  if (status !== 0 || uid === undefined || gid === undefined) return undefined;
  return { name, uid: Number(uid), gid: Number(gid) };
}
