import assert from "node:assert/strict";
import { mkdir, rename, rm, symlink, utimes } from "node:fs/promises";
import { join } from "node:path";
import { beforeEach, describe, it } from "node:test";
import { setTimeout as delay } from "node:timers/promises";
import type { Document } from "#model/document/document.ts";
import { DirectorError } from "#model/failure.ts";
import { parseDocument } from "#model/document/parse-document.ts";
import type { CertificateStatus } from "#model/records/status.ts";
import { eventually } from "#harness/deadline.ts";
import { closeAtTestEnd } from "#harness/lifetime.ts";
import { makeTempFolder, writeFiles } from "#harness/temp-folder.ts";
import { testReader } from "#harness/material-reader.ts";
import { createTestCa, type IssuedCertificate, type TestCa } from "#harness/test-ca.ts";
import { loadSources, type LoadedSources } from "./load-sources.ts";
import { trustKeyOf } from "./sources.ts";
import { SourceWatcher } from "./watch-sources.ts";

const INTERVAL_MS = 10;
/** Enough for several looks and their settling. */
const QUIET_MS = 400;
const NAMES = ["shop.example"];

describe("SourceWatcher", () => {
  const reader = testReader();
  let folder: string;
  let ca: TestCa;
  let changes: LoadedSources[];

  beforeEach(async () => {
    folder = await makeTempFolder();
    ca = await createTestCa();
    changes = [];
  });

  const documentOf = (rest: object): Document => parseDocument(rest).draft;
  const SHOP = documentOf({ certificates: { shop: { chain: "shop.pem", key: "shop.key" } } });

  async function watch(
    document: Document,
    onChange?: (result: LoadedSources) => Promise<void>,
  ): Promise<SourceWatcher> {
    const { sources, problems } = await loadSources(document, folder, reader);
    assert.deepEqual(problems, []);
    const watcher = new SourceWatcher({
      document,
      folder,
      sources,
      reader,
      intervalMs: INTERVAL_MS,
      onChange: (result) => {
        changes.push(result);
        return onChange?.(result);
      },
      onFault: (error) => assert.fail(String(error)),
    });
    watcher.start();
    closeAtTestEnd(() => watcher.close());
    return watcher;
  }

  const changeCount = (count: number): Promise<boolean> =>
    eventually(() => changes.length >= count, 5_000, `change ${count}`);

  const served = (): string | undefined =>
    changes.at(-1)?.sources.certificates.get("shop")?.facts.serialNumber.toLowerCase();

  const statusOf = (watcher: SourceWatcher): CertificateStatus["state"] | undefined =>
    watcher.statuses()[0]?.state;

  const issue = async (): Promise<IssuedCertificate> => ca.issue({ names: NAMES });

  it("brings a new pair once, with the same sources for what did not change", async () => {
    await (await issue()).writeTo(folder, "shop");
    await (await issue()).writeTo(folder, "pay");
    const both = documentOf({
      certificates: {
        shop: { chain: "shop.pem", key: "shop.key" },
        pay: { chain: "pay.pem", key: "pay.key" },
      },
    });
    const { sources } = await loadSources(both, folder, reader);
    const watcher = await watch(both);
    const renewed = await issue();
    await renewed.writeTo(folder, "shop");
    await changeCount(1);
    assert.equal(served(), renewed.serial);
    assert.deepEqual(changes[0]?.problems, []);
    assert.equal(
      changes[0]?.sources.certificates.get("pay")?.id,
      sources.certificates.get("pay")?.id,
    );
    assert.equal(watcher.statuses()[0]?.facts.serialNumber.toLowerCase(), renewed.serial);
    await delay(QUIET_MS);
    assert.equal(changes.length, 1);
  });

  it("takes a touched or rewritten file with the same contents for no new version", async () => {
    const shop = await issue();
    await shop.writeTo(folder, "shop");
    const watcher = await watch(SHOP);
    await utimes(join(folder, "shop.pem"), new Date(), new Date());
    await delay(QUIET_MS);
    await writeFiles(folder, { "shop.pem": `# renewed on Monday\n${shop.chainPem}` });
    await delay(QUIET_MS);
    assert.equal(changes.length, 0);
    assert.equal(statusOf(watcher), "ok");
  });

  it("refuses a mismatched or half-written pair, keeps the last good one, and notices when it is mended", async () => {
    await (await issue()).writeTo(folder, "shop");
    const watcher = await watch(SHOP);
    const before = watcher.statuses()[0]?.facts;
    const renewed = await issue();
    await writeFiles(folder, { "shop.pem": renewed.chainPem });
    await changeCount(1);
    assert.deepEqual(
      changes[0]?.problems.map(({ code, path }) => `${code} ${path}`),
      ["key-mismatch certificates.shop.key"],
    );
    const refused = watcher.statuses()[0];
    assert.equal(refused?.state, "refused");
    assert.match(refused?.problem ?? "", /does not belong/);
    assert.deepEqual(refused?.facts, before);
    await writeFiles(folder, { "shop.key": renewed.keyPem.slice(0, 60) });
    await changeCount(2);
    assert.equal(changes[1]?.problems[0]?.code, "key-malformed");
    await rm(join(folder, "shop.key"));
    await changeCount(3);
    assert.equal(changes[2]?.problems[0]?.code, "file-unreadable");
    await writeFiles(folder, { "shop.key": renewed.keyPem });
    await changeCount(4);
    assert.equal(served(), renewed.serial);
    assert.deepEqual(changes[3]?.problems, []);
    assert.equal(statusOf(watcher), "ok");
  });

  it("is content again when the old files come back", async () => {
    const shop = await issue();
    await shop.writeTo(folder, "shop");
    const watcher = await watch(SHOP);
    await writeFiles(folder, { "shop.key": "" });
    await changeCount(1);
    await writeFiles(folder, { "shop.key": shop.keyPem });
    await changeCount(2);
    assert.equal(served(), shop.serial);
    assert.equal(statusOf(watcher), "ok");
  });

  it("never takes an expired certificate for a valid one", async () => {
    const shop = await issue();
    await shop.writeTo(folder, "shop");
    const watcher = await watch(SHOP);
    await (await ca.issue({ names: NAMES, validity: "expired" })).writeTo(folder, "shop");
    await changeCount(1);
    assert.equal(changes[0]?.problems[0]?.code, "certificate-expired");
    assert.equal(served(), shop.serial);
    assert.equal(statusOf(watcher), "refused");
  });

  it("notices swapped symlinks, as Kubernetes mounts secrets", async () => {
    const write = async (version: string): Promise<IssuedCertificate> => {
      const issued = await issue();
      await mkdir(join(folder, version));
      await issued.writeTo(join(folder, version), "shop");
      await symlink(version, join(folder, `${version}.new`));
      await rename(join(folder, `${version}.new`), join(folder, "..data"));
      return issued;
    };
    await write("..2026_01");
    await symlink("..data/shop.pem", join(folder, "shop.pem"));
    await symlink("..data/shop.key", join(folder, "shop.key"));
    await watch(SHOP);
    const renewed = await write("..2026_02");
    await changeCount(1);
    assert.equal(served(), renewed.serial);
    assert.equal(changes.length, 1);
  });

  it("notices a changed revocation list", async () => {
    await writeFiles(folder, {
      "ca.pem": ca.certificatePem,
      "ca.crl": await ca.revocationList([]),
    });
    const clientAuth = { mode: "require", ca: "ca.pem", crl: "ca.crl" };
    const document = documentOf({ policies: { partners: { clientAuth } } });
    const trustId = (): string | undefined =>
      changes.at(-1)?.sources.trusts.get(trustKeyOf("ca.pem", "ca.crl"))?.id;
    await watch(document);
    await writeFiles(folder, { "ca.crl": await ca.revocationList(["4f01"]) });
    await changeCount(1);
    const first = trustId();
    await writeFiles(folder, { "ca.crl": await ca.revocationList(["4f01"], "expired") });
    await changeCount(2);
    assert.equal(changes[1]?.problems[0]?.code, "crl-expired");
    assert.equal(trustId(), first);
  });

  it("goes back to the version before when the workers do not take the new one", async () => {
    const shop = await issue();
    await shop.writeTo(folder, "shop");
    let isTaking = false;
    const watcher = await watch(SHOP, async () => {
      if (!isTaking) throw new DirectorError("worker-refused", "No.");
    });
    await (await issue()).writeTo(folder, "shop");
    await eventually(() => statusOf(watcher) === "refused");
    assert.equal(watcher.statuses()[0]?.facts.serialNumber.toLowerCase(), shop.serial);
    isTaking = true;
    const third = await issue();
    await third.writeTo(folder, "shop");
    await eventually(() => statusOf(watcher) === "ok");
    assert.equal(served(), third.serial);
  });

  it("tries a version again whose change failed for another reason than the files", async () => {
    await (await issue()).writeTo(folder, "shop");
    const failures = ["too-many-changes", "worker-failed"] as const;
    let attempts = 0;
    const watcher = await watch(SHOP, async () => {
      const failure = failures[attempts];
      attempts += 1;
      if (failure !== undefined) throw new DirectorError(failure);
    });
    const second = await issue();
    await second.writeTo(folder, "shop");
    await eventually(() => attempts === 3 && statusOf(watcher) === "ok");
    assert.equal(served(), second.serial);
  });

  it("says nothing any more after close", async () => {
    await (await issue()).writeTo(folder, "shop");
    const watcher = await watch(SHOP);
    watcher.close();
    await (await issue()).writeTo(folder, "shop");
    await delay(QUIET_MS);
    assert.equal(changes.length, 0);
  });
});
