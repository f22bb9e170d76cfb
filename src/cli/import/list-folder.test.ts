import assert from "node:assert/strict";
import { mkdir, symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { makeTempFolder } from "#harness/temp-folder.ts";
import { planFolder } from "./plan-folder.ts";
import { listFolder, readImportFile } from "./read-import-file.ts";

test("each folder is listed once, whatever links lead to it", async () => {
  const folder = await makeTempFolder();
  await mkdir(join(folder, "shop"));
  await writeFile(join(folder, "shop/shop.pem"), "");
  await writeFile(join(folder, "pay.pem"), "");
  await symlink(folder, join(folder, "shop/up"));
  await symlink("shop", join(folder, "web"));
  const { certificates, unused } = planFolder(await listFolder(folder), "all");
  assert.deepEqual(
    certificates.map(({ name, files }) => [name, ...files]),
    [
      ["pay", "pay.pem"],
      ["shop", "shop/shop.pem"],
    ],
  );
  assert.deepEqual(
    unused.map(({ path, reason }) => `${path}: ${reason}`),
    ["shop/up", "web"].map((path) => `${path}: it is a folder that is read already`),
  );
});

test("a mounted secret of Kubernetes is listed by the links beside its hidden folder", async () => {
  const folder = await makeTempFolder();
  await mkdir(join(folder, "..2027"));
  await symlink("..2027", join(folder, "..data"));
  for (const file of ["tls.crt", "tls.key"]) {
    await writeFile(join(folder, "..2027", file), "");
    await symlink(`..data/${file}`, join(folder, file));
  }
  const { certificates, unused } = planFolder(await listFolder(folder), "shop");
  assert.deepEqual(
    certificates.map(({ files }) => files),
    [["tls.crt", "tls.key"]],
  );
  assert.deepEqual(
    unused.map(({ path }) => path),
    ["..2027", "..data"],
  );
});

test("a file with a name that is longer than the director takes is sent with the end of its name", async () => {
  const path = join(await makeTempFolder(), `${"x".repeat(240)}.pem`);
  await writeFile(path, "shop");
  const { name, base64 } = await readImportFile(path);
  assert.equal(name, `${"x".repeat(196)}.pem`);
  assert.equal(base64, Buffer.from("shop").toString("base64"));
});
