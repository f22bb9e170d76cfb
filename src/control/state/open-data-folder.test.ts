import assert from "node:assert/strict";
import { chmodSync, mkdirSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { makeTempFolder } from "#harness/temp-folder.ts";
import { LOCK_FILE, openDataFolder } from "./open-data-folder.ts";

const modeOf = (path: string): number => statSync(path).mode & 0o777;

test("a new folder is closed to others", async () => {
  const path = join(await makeTempFolder(), "data");
  openDataFolder(path);
  assert.equal(modeOf(path), 0o700);
});

test("an empty folder and a data folder are closed to others", async () => {
  const path = join(await makeTempFolder(), "data");
  mkdirSync(path, { mode: 0o755 });
  openDataFolder(path);
  writeFileSync(join(path, LOCK_FILE), "");
  chmodSync(path, 0o755);
  openDataFolder(path);
  assert.equal(modeOf(path), 0o700);
});

test("an open folder with other files in it is left alone", async () => {
  const path = await makeTempFolder();
  writeFileSync(join(path, "somebody's"), "");
  assert.throws(() => openDataFolder(path), { code: "data-unusable" });
  assert.equal(modeOf(path), 0o755);
});

test("a path that cannot be a folder is a named failure", () => {
  assert.throws(() => openDataFolder("/proc/nonexistent"), { code: "data-unusable" });
  assert.throws(() => openDataFolder("/dev/null"), { code: "data-unusable" });
});

test(
  "root hands the folder and its files to the control process's user",
  {
    skip: process.getuid?.() === 0 ? false : "not root",
  },
  async () => {
    const path = join(await makeTempFolder(), "data");
    openDataFolder(path);
    writeFileSync(join(path, LOCK_FILE), "");
    openDataFolder(path, { uid: 4_711, gid: 4_712 });
    for (const name of [path, join(path, LOCK_FILE)]) {
      const { uid, gid } = statSync(name);
      assert.deepEqual([uid, gid], [4_711, 4_712]);
    }
  },
);
