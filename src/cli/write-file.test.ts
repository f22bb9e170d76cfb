import assert from "node:assert/strict";
import { chmod, lstat, readdir, readFile, stat, symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { makeTempFolder } from "#harness/temp-folder.ts";
import { replaceFile } from "./write-file.ts";

test("a file is replaced as a whole, with its mode, behind its link", async () => {
  const folder = await makeTempFolder();
  const [path, link] = [join(folder, "file"), join(folder, "link")];
  await writeFile(path, "old");
  await chmod(path, 0o640);
  await symlink("file", link);
  await replaceFile(link, (file) => file.writeFile("new"));
  assert.equal(await readFile(path, "utf8"), "new");
  assert.equal((await stat(path)).mode & 0o777, 0o640);
  assert.ok((await lstat(link)).isSymbolicLink());
  assert.deepEqual(await readdir(folder), ["file", "link"]);
});

test("a new file and a private one can be read by their owner only", async () => {
  const folder = await makeTempFolder();
  const path = join(folder, "file");
  await replaceFile(path, (file) => file.writeFile("a"));
  assert.equal((await stat(path)).mode & 0o777, 0o600);
  await chmod(path, 0o644);
  await replaceFile(path, (file) => file.writeFile("b"), true);
  assert.equal((await stat(path)).mode & 0o777, 0o600);
});

test("a file stays as it was if writing fails", async () => {
  const folder = await makeTempFolder();
  const path = join(folder, "file");
  await writeFile(path, "old");
  const failing = replaceFile(path, async (file) => {
    await file.writeFile("half");
    throw new TypeError("broken");
  });
  await assert.rejects(failing, TypeError);
  assert.equal(await readFile(path, "utf8"), "old");
  assert.deepEqual(await readdir(folder), ["file"]);
  const nowhere = replaceFile(join(folder, "no/file"), () => Promise.resolve());
  await assert.rejects(nowhere, { code: "file-unwritable" });
});
