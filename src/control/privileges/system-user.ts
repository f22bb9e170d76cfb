import { runBriefly } from "./run-briefly.ts";

export interface SystemUser {
  readonly name: string;
  readonly uid: number;
  readonly gid: number;
}

/** Asks `id`, which knows every source of users that the machine has. Undefined where there is no such user. */
export function trySystemUser(name: string): SystemUser | undefined {
  const uid = numberOf("-u", name);
  const gid = numberOf("-g", name);
  return uid === undefined || gid === undefined ? undefined : { name, uid, gid };
}

function numberOf(option: "-u" | "-g", name: string): number | undefined {
  const { status, stdout } = runBriefly("id", [option, "--", name]);
  return status === 0 && /^\d+\n$/.test(stdout) ? Number(stdout) : undefined;
}
