import { accessSync, chownSync, constants, readFileSync } from "node:fs";
import { join } from "node:path";
import type { SystemUser } from "./system-user.ts";

/**
 * The folder of the control group (cgroup v2) of this process, if that belongs to a systemd service and may be written, as
 * it may where the unit has `Delegate=yes`. `proc` is this process's folder in /proc.
 */
export function tryUnitCgroup(proc = "/proc/self"): string | undefined {
  try {
    const path = /^0::(\/.+\.service)$/m.exec(readFileSync(join(proc, "cgroup"), "utf8"))?.[1];
    const mount = tryCgroupMount(readFileSync(join(proc, "mountinfo"), "utf8"));
    if (path === undefined || mount === undefined) return undefined;
    const folder = join(mount, path);
    for (const target of [folder, join(folder, "cgroup.procs")]) {
      accessSync(target, constants.W_OK);
    }
    return folder;
  } catch {
    return undefined;
  }
}

/** Field 5 of the mount whose root is that of the hierarchy, proc_pid_mountinfo(5). */
function tryCgroupMount(mountinfo: string): string | undefined {
  return mountinfo
    .split("\n")
    .filter((line) => line.includes(" - cgroup2 "))
    .map((line) => line.split(" "))
    .find(([, , , root]) => root === "/")?.[4];
}

/** For a process that is root and becomes `user`: what systemd would have given to the unit's own `User=`. */
export function handOverUnitCgroup({ uid, gid }: SystemUser): void {
  const folder = tryUnitCgroup();
  if (folder === undefined) return;
  for (const target of [folder, join(folder, "cgroup.procs")]) chownSync(target, uid, gid);
}
