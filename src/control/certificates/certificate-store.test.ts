import assert from "node:assert/strict";
import { mkdir, rename, rm, symlink, utimes } from "node:fs/promises";
import { join } from "node:path";
import { beforeEach, describe, it } from "node:test";
import { setTimeout as delay } from "node:timers/promises";
import type { Document } from "#model/document/document.ts";
import { DirectorError, type Problem } from "#model/failure.ts";
import { parseDocument } from "#model/document/parse-document.ts";
import type { CertificateStatus } from "#model/records/status.ts";
import { eventually } from "#harness/deadline.ts";
import { closeAtTestEnd } from "#harness/lifetime.ts";
import { makeTempFolder, writeFiles } from "#harness/temp-folder.ts";
import { testReading } from "#harness/material-reader.ts";
import { createTestCa, type IssuedCertificate, type TestCa } from "#harness/test-ca.ts";
import { CertificateStore } from "./certificate-store.ts";
import { loadSources } from "./load-sources.ts";
import { trustKeyOf, type Sources } from "./sources.ts";

const INTERVAL_MS = 10;
/** Long enough for several looks at the files. */
const QUIET_MS = 400;
const NAMES = ["shop.example"];

describe("CertificateStore", () => {
  const reading = testReading();
  let folder: string;
  let ca: TestCa;
  /** The sources with which the subscriber was called. */
  let news: Sources[];
  let reports: { readonly kind: string; readonly problem: Problem }[];

  beforeEach(async () => {
    folder = await makeTempFolder();
    ca = await createTestCa();
    news = [];
    reports = [];
  });

  const documentOf = (rest: object): Document => parseDocument(rest).draft;
  const SHOP = documentOf({ certificates: { shop: { chain: "shop.pem", key: "shop.key" } } });
  const BOTH = documentOf({
    certificates: {
      shop: { chain: "shop.pem", key: "shop.key", allowOtherKeyType: true },
      pay: { chain: "pay.pem", key: "pay.key", allowOtherKeyType: true },
    },
  });

  /** A listener with these certificates serves TLS 1.2 with one cipher suite. */
  function withPolicy(certificates: readonly string[], suite: string): Document {
    const listener = { port: 443, to: 80, certificates, policy: "old" };
    const vnics = { v: { ip: "127.0.0.1", listeners: [listener] } };
    return documentOf({
      servers: { web: { address: "127.0.0.1" } },
      profiles: { p: { servers: ["web"], vnics } },
      policies: { old: { maxVersion: "TLSv1.2", cipherSuites: [suite] } },
      certificates: BOTH.certificates,
    });
  }

  async function follow(store: CertificateStore, document: Document): Promise<readonly Problem[]> {
    const loaded = await loadSources(document, folder, reading, store.inForce?.entries);
    store.follow(document, loaded.entries);
    return loaded.problems;
  }

  async function startStore(
    document: Document,
    use?: (sources: Sources) => Promise<void>,
  ): Promise<CertificateStore> {
    const store = new CertificateStore({
      ...{ ...reading, intervalMs: INTERVAL_MS },
      prover: { warmUp: () => undefined, stayReady: () => undefined },
      onProblem: (kind, problem) => reports.push({ kind, problem }),
      ...{ onRead: () => undefined, onLate: () => undefined, onTurn: () => undefined },
      onFault: (error) => assert.fail(String(error)),
    });
    store.subscribe(async (versions) => {
      const sources = versions.sources();
      news.push(sources);
      await use?.(sources);
    });
    await follow(store, document);
    store.start();
    closeAtTestEnd(() => store.close());
    return store;
  }

  const newsCount = (count: number): Promise<boolean> =>
    eventually(() => news.length >= count, 5_000, `news ${count}`);
  const serialIn = (sources: Sources | undefined, name = "shop"): string | undefined =>
    sources?.certificates.get(name)?.facts.serialNumber.toLowerCase();
  const statusOf = (store: CertificateStore, name = "shop"): CertificateStatus =>
    store.status().find((status) => status.name === name) ?? assert.fail(name);
  const untilState = (
    store: CertificateStore,
    state: CertificateStatus["state"],
    name?: string,
  ): Promise<boolean> =>
    eventually(() => statusOf(store, name).state === state, 5_000, `state ${state}`);
  const untilProblem = (store: CertificateStore, code: string): Promise<boolean> =>
    eventually(() => store.problems().some((problem) => problem.code === code), 5_000, code);
  const issue = (options: object = {}): Promise<IssuedCertificate> =>
    ca.issue({ names: NAMES, ...options });

  it("passes on a new pair once, and leaves the other sources unchanged", async () => {
    await (await issue()).writeTo(folder, "shop");
    await (await issue()).writeTo(folder, "pay");
    const store = await startStore(BOTH);
    const payId = store.current().certificates.get("pay")?.id;
    const renewed = await issue();
    await renewed.writeTo(folder, "shop");
    await newsCount(1);
    assert.equal(serialIn(news[0]), renewed.serial);
    assert.equal(news[0]?.certificates.get("pay")?.id, payId);
    await eventually(() => serialIn(store.current()) === renewed.serial);
    assert.equal(statusOf(store).facts?.serialNumber.toLowerCase(), renewed.serial);
    await delay(QUIET_MS);
    assert.equal(news.length, 1);
    assert.deepEqual(reports, []);
  });

  it("does not treat a touched or rewritten file with the same contents as a new version", async () => {
    const shop = await issue();
    await shop.writeTo(folder, "shop");
    const store = await startStore(SHOP);
    await utimes(join(folder, "shop.pem"), new Date(), new Date());
    await delay(QUIET_MS);
    await writeFiles(folder, { "shop.pem": `# renewed on Monday\n${shop.chainPem}` });
    await delay(QUIET_MS);
    assert.equal(news.length, 0);
    assert.equal(statusOf(store).state, "ok");
  });

  it("refuses a mismatched or half-written pair, keeps the last good one, and notices when it is corrected", async () => {
    await (await issue()).writeTo(folder, "shop");
    const store = await startStore(SHOP);
    const before = statusOf(store).facts;
    const renewed = await issue();
    await writeFiles(folder, { "shop.pem": renewed.chainPem });
    await untilState(store, "refused");
    assert.match(statusOf(store).problem ?? "", /does not belong/);
    assert.deepEqual(statusOf(store).facts, before);
    await eventually(() => reports.length === 1);
    assert.equal(reports[0]?.kind, "refused");
    assert.equal(reports[0].problem.code, "key-mismatch");
    assert.equal(reports[0].problem.path, "certificates.shop.key");
    await writeFiles(folder, { "shop.key": renewed.keyPem.slice(0, 60) });
    await untilProblem(store, "key-malformed");
    await rm(join(folder, "shop.key"));
    await untilProblem(store, "file-unreadable");
    await writeFiles(folder, { "shop.key": renewed.keyPem });
    await untilState(store, "ok");
    assert.equal(serialIn(store.current()), renewed.serial);
    assert.equal(news.length, 1);
    assert.deepEqual(
      reports.map(({ problem }) => problem.code),
      ["key-mismatch", "key-malformed", "file-unreadable"],
    );
  });

  it("has no problem any more when the old files come back, without a change", async () => {
    const shop = await issue();
    await shop.writeTo(folder, "shop");
    const store = await startStore(SHOP);
    await writeFiles(folder, { "shop.key": "" });
    await untilState(store, "refused");
    await writeFiles(folder, { "shop.key": shop.keyPem });
    await untilState(store, "ok");
    assert.equal(serialIn(store.current()), shop.serial);
    assert.equal(news.length, 0);
  });

  it("never replaces a valid certificate by an expired one", async () => {
    const shop = await issue();
    await shop.writeTo(folder, "shop");
    const store = await startStore(SHOP);
    await (await issue({ validity: "expired" })).writeTo(folder, "shop");
    await untilState(store, "refused");
    assert.match(statusOf(store).problem ?? "", /expired/);
    assert.equal(serialIn(store.current()), shop.serial);
  });

  it("uses a certificate that was not valid yet as soon as it is valid", async () => {
    const shop = await issue();
    await shop.writeTo(folder, "shop");
    const store = await startStore(SHOP);
    const notBefore = new Date(Date.now() + 3_000);
    const early = await issue({ notBefore });
    await early.writeTo(folder, "shop");
    await untilState(store, "refused");
    assert.match(statusOf(store).problem ?? "", /not valid before/);
    await untilState(store, "ok");
    assert.equal(serialIn(store.current()), early.serial);
  });

  it("reports a certificate in use that expires or will expire soon", async () => {
    const life = {
      notBefore: new Date(Date.now() - 60_000),
      notAfter: new Date(Date.now() + 4_000),
    };
    await (await issue(life)).writeTo(folder, "shop");
    const store = await startStore(SHOP);
    assert.deepEqual(statusOf(store).state, "ok");
    assert.match(statusOf(store).warnings?.[0] ?? "", /expires on/);
    await untilState(store, "expired");
    await eventually(() => reports.length === 1);
    assert.equal(reports[0]?.kind, "warning");
    assert.equal(reports[0].problem.code, "certificate-expired");
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
    const store = await startStore(SHOP);
    const renewed = await write("..2026_02");
    await eventually(() => serialIn(store.current()) === renewed.serial);
    assert.equal(news.length, 1);
  });

  it("notices a changed revocation list, and refuses one that is overdue", async () => {
    await writeFiles(folder, {
      "ca.pem": ca.certificatePem,
      "ca.crl": await ca.revocationList([]),
    });
    const clientAuth = { mode: "require", ca: "ca.pem", crl: "ca.crl" };
    const store = await startStore(documentOf({ policies: { partners: { clientAuth } } }));
    const trustId = () => store.current().trusts.get(trustKeyOf("ca.pem", "ca.crl"))?.id;
    const first = trustId();
    await writeFiles(folder, { "ca.crl": await ca.revocationList(["4f01"]) });
    await eventually(() => trustId() !== first);
    const second = trustId();
    await writeFiles(folder, { "ca.crl": await ca.revocationList(["4f01"], "expired") });
    await untilProblem(store, "crl-expired");
    assert.equal(trustId(), second);
  });

  it("keeps the previous version if the workers refuse the new one, and uses the next one", async () => {
    const shop = await issue();
    await shop.writeTo(folder, "shop");
    let isTaking = false;
    const store = await startStore(SHOP, async () => {
      if (!isTaking) throw new DirectorError("worker-refused", "No.");
    });
    await (await issue()).writeTo(folder, "shop");
    await untilState(store, "refused");
    assert.equal(serialIn(store.current()), shop.serial);
    isTaking = true;
    const third = await issue();
    await third.writeTo(folder, "shop");
    await untilState(store, "ok");
    assert.equal(serialIn(store.current()), third.serial);
  });

  it("finds the one version that the workers refuse, and uses the others of the same look", async () => {
    const names = ["a", "b", "c", "d", "e"];
    for (const name of names) await (await issue()).writeTo(folder, name);
    const pairOf = (name: string) => [name, { chain: `${name}.pem`, key: `${name}.key` }];
    const all = documentOf({ certificates: Object.fromEntries(names.map(pairOf)) });
    const next = new Map<string, IssuedCertificate>();
    const store = await startStore(all, async (sources) => {
      if (serialIn(sources, "c") !== next.get("c")?.serial) return;
      throw new DirectorError("worker-refused", "Not c.");
    });
    for (const name of names) next.set(name, await issue());
    for (const [name, issued] of next) await issued.writeTo(folder, name);
    await untilState(store, "refused", "c");
    const good = names.filter((name) => name !== "c");
    await eventually(() =>
      good.every((name) => serialIn(store.current(), name) === next.get(name)?.serial),
    );
    assert.match(statusOf(store, "c").problem ?? "", /Not c/);
    for (const name of good) assert.equal(statusOf(store, name).state, "ok");
  });

  it("tries a version again if its change failed for a reason other than the files", async () => {
    await (await issue()).writeTo(folder, "shop");
    const failures = ["too-many-changes", "worker-failed"] as const;
    let attempts = 0;
    const store = await startStore(SHOP, async () => {
      const failure = failures[attempts];
      attempts += 1;
      if (failure !== undefined) throw new DirectorError(failure);
    });
    const second = await issue();
    await second.writeTo(folder, "shop");
    await eventually(() => attempts === 3 && statusOf(store).state === "ok");
    assert.equal(serialIn(store.current()), second.serial);
  });

  it("refuses a renewal for which the policy of its listener has no cipher suite, until the policy changes", async () => {
    const withSuite = (suite: string) => withPolicy(["shop"], suite);
    const rsa = await issue({ keyType: "rsa" });
    await rsa.writeTo(folder, "shop");
    const store = await startStore(withSuite("ECDHE-RSA-AES128-GCM-SHA256"));
    const ecdsa = await issue();
    await ecdsa.writeTo(folder, "shop");
    await untilState(store, "refused");
    assert.match(statusOf(store).problem ?? "", /No TLS 1\.2 cipher suite of policy old/);
    assert.equal(serialIn(store.current()), rsa.serial);
    await follow(store, withSuite("ECDHE-ECDSA-AES128-GCM-SHA256"));
    await untilState(store, "ok");
    assert.equal(serialIn(store.current()), ecdsa.serial);
  });

  it("keeps a listener working when two renewals of the same look are good only separately", async () => {
    const document = withPolicy(["shop", "pay"], "ECDHE-RSA-AES128-GCM-SHA256");
    for (const name of ["shop", "pay"]) {
      await (await issue({ keyType: "rsa" })).writeTo(folder, name);
    }
    const store = await startStore(document);
    const renewed = new Map([
      ["shop", await issue()],
      ["pay", await issue()],
    ]);
    for (const [name, issued] of renewed) await issued.writeTo(folder, name);
    await eventually(() => store.status().some(({ state }) => state === "refused"));
    const states = store.status().map(({ state, facts }) => `${state} ${facts?.keyType}`);
    assert.deepEqual(new Set(states), new Set(["ok ecdsa", "refused rsa"]));
    // A document that comes meanwhile is not refused because of it, and keeps the version.
    const problems = await follow(store, document);
    assert.deepEqual(
      problems.map(({ code, severity }) => `${severity} ${code}`),
      ["warning other-key-type", "warning suite-without-key-type"],
    );
    assert.equal(store.status().filter(({ facts }) => facts?.keyType === "rsa").length, 1);
  });

  it("tries again a source that stands behind many that stay refused", async () => {
    const names = Array.from({ length: 70 }, (_, at) => `c${at}`);
    const pairOf = (name: string) => [name, { chain: "gone.pem", key: "gone.key" }];
    const certificates = {
      ...Object.fromEntries(names.map(pairOf)),
      ...SHOP.certificates,
    };
    await (await issue()).writeTo(folder, "shop");
    const store = await startStore(documentOf({ certificates }));
    const early = await issue({ notBefore: new Date(Date.now() + 4_000) });
    await early.writeTo(folder, "shop");
    await untilState(store, "refused");
    await untilState(store, "ok");
    assert.equal(serialIn(store.current()), early.serial);
  });

  it("reports a refusal that a document brought to light", async () => {
    await (await issue()).writeTo(folder, "shop");
    const store = await startStore(SHOP);
    store.close();
    await writeFiles(folder, { "shop.key": "" });
    await follow(store, SHOP);
    await follow(store, SHOP);
    assert.equal(reports.length, 1);
    assert.equal(reports[0]?.kind, "refused");
  });

  it("remembers a refusal when the next document comes, and does not report it twice", async () => {
    await (await issue()).writeTo(folder, "shop");
    await (await issue()).writeTo(folder, "pay");
    const store = await startStore(BOTH);
    await writeFiles(folder, { "pay.key": "" });
    await untilState(store, "refused", "pay");
    await eventually(() => reports.length === 1);
    const problems = await follow(store, BOTH);
    assert.deepEqual(
      problems.map(({ code, severity }) => `${severity} ${code}`),
      ["warning key-malformed"],
    );
    assert.equal(statusOf(store, "pay").state, "refused");
    await delay(QUIET_MS);
    assert.equal(reports.length, 1);
  });

  it("has no version of a source until its files can be used", async () => {
    await (await issue()).writeTo(folder, "shop");
    const store = await startStore(BOTH);
    assert.equal(statusOf(store, "pay").state, "unusable");
    assert.equal(statusOf(store, "pay").facts, undefined);
    const pay = await issue();
    await pay.writeTo(folder, "pay");
    await untilState(store, "ok", "pay");
    assert.equal(serialIn(store.current(), "pay"), pay.serial);
  });

  it("does not call the subscriber after close", async () => {
    await (await issue()).writeTo(folder, "shop");
    const store = await startStore(SHOP);
    store.close();
    await (await issue()).writeTo(folder, "shop");
    await delay(QUIET_MS);
    assert.equal(news.length, 0);
  });
});
