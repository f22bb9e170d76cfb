import assert from "node:assert/strict";
import {
  mkdirSync,
  readdirSync,
  readFileSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { it } from "node:test";
import { makeTempFolder } from "#harness/temp-folder.ts";
import { makeMasterKey } from "./make-master-key.ts";
import { tryParseMasterKey } from "./master-key.ts";

const unwritable = { code: "file-unwritable" };

it("makes a key in a new file with mode 0600, in a folder that it creates with mode 0700", async () => {
  const folder = await makeTempFolder();
  const path = join(folder, "keys", "master.key");
  // What a kill has left behind is no key.
  mkdirSync(join(folder, "keys"), { mode: 0o755 });
  writeFileSync(`${path}.new`, "half", { mode: 0o644 });
  const key = await makeMasterKey(path);
  assert.equal(tryParseMasterKey(readFileSync(path))?.id, key.id);
  assert.equal(statSync(path).mode & 0o777, 0o600);
  assert.deepEqual(readdirSync(join(folder, "keys")), ["master.key"]);
  const other = join(folder, "other", "master.key");
  assert.notEqual((await makeMasterKey(other)).id, key.id);
  assert.equal(statSync(join(folder, "other")).mode & 0o777, 0o700);
});

it("replaces nothing that exists, and creates no more than the folder of the file", async () => {
  const folder = await makeTempFolder();
  const path = join(folder, "master.key");
  writeFileSync(path, "precious");
  await assert.rejects(makeMasterKey(path), unwritable);
  assert.equal(readFileSync(path, "utf8"), "precious");
  symlinkSync("nowhere", join(folder, "link"));
  await assert.rejects(makeMasterKey(join(folder, "link")), unwritable);
  await assert.rejects(makeMasterKey(join(folder, "a", "b", "master.key")), unwritable);
  await assert.rejects(makeMasterKey(join(path, "master.key")), unwritable);
  await assert.rejects(makeMasterKey("/proc/none/master.key"), unwritable);
});
