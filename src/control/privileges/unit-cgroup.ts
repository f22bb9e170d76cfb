import { accessSync, chownSync, constants, readFileSync } from "node:fs";
import { join } from "node:path";
import type { SystemUser } from "./system-user.ts";

/**
 * Returns the folder of the control group (cgroup v2) of this process. Returns undefined if it does not belong to a systemd
 * service, or if this process may not write to it because the unit lacks `Delegate=yes`. `proc` is the folder of this process
 * in /proc.
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

/** Returns the mount point (field 5) of the root of the hierarchy. See proc_pid_mountinfo(5). */
function tryCgroupMount(mountinfo: string): string | undefined {
  return mountinfo
    .split("\n")
    .filter((line) => line.includes(" - cgroup2 "))
    .map((line) => line.split(" "))
    .find(([, , , root]) => root === "/")?.[4];
}

/**
 * As root, makes the user that this process is about to become the owner of the unit's control group, as systemd does for
 * `User=`. If the system does not allow it, workers get no control groups of their own (decision 14).
 */
export function tryHandOverUnitCgroup({ uid, gid }: SystemUser): void {
  const folder = tryUnitCgroup();
  if (folder === undefined) return;
  try {
    for (const target of [folder, join(folder, "cgroup.procs")]) chownSync(target, uid, gid);
  } catch {
    // The director also works without the control groups.
  }
}
