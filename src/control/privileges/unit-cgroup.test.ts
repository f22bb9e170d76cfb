import assert from "node:assert/strict";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { makeTempFolder } from "#harness/temp-folder.ts";
import { tryUnitCgroup } from "./unit-cgroup.ts";

/** The two files of /proc/self, with a folder in place of the cgroup2 file system. */
async function makeProc(path: string): Promise<{ proc: string; mount: string }> {
  const folder = await makeTempFolder();
  const mount = join(folder, "mount");
  mkdirSync(join(mount, "system.slice/tlsd.service"), { recursive: true });
  writeFileSync(join(mount, "system.slice/tlsd.service/cgroup.procs"), "");
  writeFileSync(join(folder, "cgroup"), `1:cpu:/\n0::${path}\n`);
  const lines = [
    `36 35 0:33 / /proc rw - proc proc rw`,
    `40 35 0:37 / ${mount} rw - cgroup2 cgroup2 rw`,
  ];
  writeFileSync(join(folder, "mountinfo"), `${lines.join("\n")}\n`);
  return { proc: folder, mount };
}

test("the group of a service that may be written is found", async () => {
  const { proc, mount } = await makeProc("/system.slice/tlsd.service");
  assert.equal(tryUnitCgroup(proc), join(mount, "system.slice/tlsd.service"));
});

for (const path of ["/", "/user.slice/session-1.scope", "/system.slice/other.service"]) {
  test(`${path} is not the group of a service that may be written`, async () => {
    assert.equal(tryUnitCgroup((await makeProc(path)).proc), undefined);
  });
}

test("without cgroup2 there is none", () => {
  assert.equal(tryUnitCgroup("/nonexistent"), undefined);
});
