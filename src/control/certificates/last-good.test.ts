import assert from "node:assert/strict";
import { join } from "node:path";
import { test } from "node:test";
import { testChecking } from "#harness/material-reader.ts";
import { makeTempFolder, writeFiles } from "#harness/temp-folder.ts";
import { createTestCa } from "#harness/test-ca.ts";
import { checkFile, checkValue, withKeptCertificates, type CheckParts } from "../check-file.ts";
import { digestOfFiles } from "./last-good.ts";
import { loadSources } from "./load-sources.ts";

test("a start with the file and one with the stored document serve the last good version, a check and a change do not", async () => {
  const folder = await makeTempFolder();
  const ca = await createTestCa();
  const good = await ca.issue({ names: ["shop.example"] });
  await good.writeTo(folder, "shop");
  await writeFiles(folder, { "bad.pem": "garbage", "director.yaml": "" });
  const checking = testChecking();
  const certificates = (name: string): object => ({
    certificates: { shop: { chain: `${name}.pem`, key: "shop.key" } },
  });
  const { document } = await checkValue(certificates("shop"), folder, { kind: "check" }, checking);
  assert.ok(document !== undefined);
  const { entries } = await loadSources(document, folder, { ...checking, trial: undefined });
  const version = entries.certificates.get("shop")?.version;
  assert.ok(version !== undefined);
  const asked: string[] = [];
  const kept: NonNullable<CheckParts["kept"]> = {
    look: async () => "",
    readActive: async () => ({ version, warnings: [], looks: "" }),
    lastGood(_name, files) {
      asked.push(files);
      return { version: "7", facts: version.facts };
    },
    hasFiles: () => false,
    load: async () => undefined,
  };
  const parts = { ...checking, kept };
  const servedBy = (checked: Awaited<ReturnType<typeof checkValue>>): readonly unknown[] => [
    checked.entries?.certificates.get("shop")?.version?.id,
    checked.problems.map(({ code, severity }) => `${severity} ${code}`).toSorted(),
  ];
  const expected = [
    version.id,
    ["warning certificate-malformed", "warning last-good-served", "warning unused-certificate"],
  ];

  const path = join(folder, "director.yaml");
  await writeFiles(folder, { "director.yaml": JSON.stringify(certificates("bad")) });
  const read = await checkFile(path, { kind: "start" }, checking);
  assert.deepEqual(servedBy(await withKeptCertificates(read, parts)), expected);
  const stored = await checkValue(certificates("bad"), folder, { kind: "start" }, parts);
  assert.deepEqual(servedBy(stored), expected);
  assert.deepEqual(
    asked,
    [0, 1].map(() => `${join(folder, "bad.pem")}, ${join(folder, "shop.key")}`),
  );
  for (const purpose of [{ kind: "check" }, { kind: "change", inForce: undefined }] as const) {
    const { document: refused } = await checkValue(certificates("bad"), folder, purpose, parts);
    assert.equal(refused, undefined);
  }
});

test("the digest of what files hold depends on all that is kept of them, and not on the order", async () => {
  const folder = await makeTempFolder();
  const ca = await createTestCa();
  for (const name of ["shop", "pay"]) {
    await (await ca.issue({ names: [`${name}.example`] })).writeTo(folder, name);
  }
  const checking = testChecking();
  const pairOf = (name: string): object => ({ chain: `${name}.pem`, key: `${name}.key` });
  const digestWith = async (certificates: object): Promise<string> => {
    const checked = await checkValue({ certificates }, folder, { kind: "start" }, checking);
    assert.ok(checked.entries !== undefined);
    return digestOfFiles(checked.entries.certificates);
  };
  const [shop, pay] = [pairOf("shop"), pairOf("pay")];
  const digest = await digestWith({ shop, pay });
  assert.equal(await digestWith({ pay, shop }), digest);
  const others = [
    { shop },
    { shop, pay: shop },
    { shop, pay: { ...pay, keepLastGood: false } },
    { shop, pay: { ...pay, chain: "./gone.pem" } },
  ];
  const all = new Set([digest, ...(await Promise.all(others.map(digestWith)))]);
  assert.equal(all.size, others.length + 1);
});
