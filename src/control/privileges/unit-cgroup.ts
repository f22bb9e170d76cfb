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

/**
 * Gives the unit's control group to the user that this process, which is root, is about to become, as systemd does for
 * `User=`. If the system does not allow it, workers get no control groups of their own (decision 14).
 */
export function tryHandOverUnitCgroup({ uid, gid }: SystemUser): void {
  const folder = tryUnitCgroup();
  if (folder === undefined) return;
  try {
    for (const target of [folder, join(folder, "cgroup.procs")]) chownSync(target, uid, gid);
  } catch {
    // The director serves without them.
  }
}
