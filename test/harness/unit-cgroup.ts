import { mkdirSync, readFileSync, rmdirSync } from "node:fs";
import { join } from "node:path";
import { eventually } from "./deadline.ts";
import { closeAtTestEnd } from "./lifetime.ts";

/**
 * The folder of a control group named as that of a systemd service. Skips the test, and gives undefined, where the system
 * does not let it.
 */
export function makeUnitCgroup(t: { skip(reason: string): void }): string | undefined {
  const mounts = readFileSync("/proc/self/mountinfo", "utf8").split("\n");
  const mount = mounts.find((line) => line.includes(" - cgroup2 "))?.split(" ")[4];
  const folder = join(mount ?? "/nonexistent", `tlsd-unit-${process.pid}-${Date.now()}.service`);
  try {
    mkdirSync(folder);
    return folder;
  } catch {
    t.skip("it takes root and a cgroup2 file system that can be written");
    return undefined;
  }
}

/** To be called when what runs in the group has been started: what ends that with the test then comes first. */
export function removeUnitCgroupAtTestEnd(folder: string): void {
  closeAtTestEnd(async () => {
    const isRemoved = (): boolean => {
      rmdirSync(folder);
      return true;
    };
    await eventually(isRemoved, 10_000, `the end of ${folder}`);
  });
}

/** The prefix of a command that is to run in the group. */
export const inCgroup = (folder: string): readonly string[] => [
  "/bin/sh",
  "-c",
  `echo $$ > ${folder}/cgroup.procs && exec "$0" "$@"`,
];
