import { runBriefly } from "./run-briefly.ts";

export interface SystemUser {
  readonly name: string;
  readonly uid: number;
  readonly gid: number;
}

/** Asks `id`, which uses every source of users of the machine. Returns undefined if the user does not exist. */
export function trySystemUser(name: string): SystemUser | undefined {
  const { status, stdout } = runBriefly("id", ["--", name]);
  const [, uid, gid] = /^uid=(\d+)(?:\([^)]*\))? gid=(\d+)/.exec(stdout) ?? [];
  if (status !== 0 || uid === undefined || gid === undefined) return undefined;
  return { name, uid: Number(uid), gid: Number(gid) };
}
