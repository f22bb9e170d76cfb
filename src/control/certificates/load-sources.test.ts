import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { createPrivateKey, generateKeyPairSync } from "node:crypto";
import { join } from "node:path";
import { inspect } from "node:util";
import { before, describe, it } from "node:test";
import { parseDocument } from "#model/document/parse-document.ts";
import { makeTempFolder, writeFiles } from "#harness/temp-folder.ts";
import { closeAtTestEnd } from "#harness/lifetime.ts";
import { testReading } from "#harness/material-reader.ts";
import { createTestCa, type IssuedCertificate, type TestCa } from "#harness/test-ca.ts";
import { encodeFrame } from "#protocol/job-frames.ts";
import { keysThatDiffer } from "../patched-map.ts";
import { MaterialReader } from "../reader/material-reader.ts";
import { loadSources, type LoadedSources } from "./load-sources.ts";
import type { ReadingParts, SourceEntries } from "./source-entry.ts";
import { SYSTEM_TRUST_KEY, trustKeyOf } from "./sources.ts";

describe("loadSources", () => {
  const reading = testReading();
  let folder: string;
  let ca: TestCa;
  let shop: IssuedCertificate;
  let rsa: IssuedCertificate;

  const load = (rest: object, inForce?: SourceEntries): Promise<LoadedSources> =>
    loadSources(parseDocument(rest).draft, folder, reading, inForce);
  const loadOne = (certificate: object): Promise<LoadedSources> =>
    load({ certificates: { shop: certificate } });
  const codesOf = ({ problems }: Pick<LoadedSources, "problems">): readonly string[] =>
    problems.map(({ code, path }) => `${code} ${path}`);

  before(async () => {
    folder = await makeTempFolder();
    ca = await createTestCa();
    shop = await ca.issue({ names: ["Shop.example", "*.shop.example", "192.0.2.1"] });
    rsa = await ca.issue({ names: ["shop.example"], keyType: "rsa" });
    await shop.writeTo(folder, "shop");
    await rsa.writeTo(folder, "rsa", "pass wörd ");
    await writeFiles(folder, { "ca.pem": ca.certificatePem });
  });

  it("reads chain and key from two files or from one", async () => {
    await writeFiles(folder, { "both.pem": shop.keyPem + shop.chainPem });
    const two = await loadOne({ chain: "shop.pem", key: "shop.key" });
    const one = await loadOne({ chain: join(folder, "both.pem") });
    assert.deepEqual([...two.problems, ...one.problems], []);
    const version = two.sources.certificates.get("shop");
    assert.deepEqual(version?.facts.names, ["shop.example", "*.shop.example"]);
    assert.equal(version?.facts.keyType, "ecdsa");
    assert.equal(version?.facts.issuer, "CN=TLS Director test CA");
    assert.match(version?.facts.fingerprint ?? "", /^[0-9a-f]{64}$/);
    assert.equal(version?.id, one.sources.certificates.get("shop")?.id);
  });

  it("decrypts a key with the first line of a passphrase file", async () => {
    const named = { chain: "rsa.pem", key: "rsa.key" };
    const { sources, problems } = await loadOne({ ...named, passphraseFile: "rsa.pass" });
    assert.deepEqual(problems, []);
    const material = sources.certificates.get("shop")?.material;
    assert.equal(createPrivateKey(material?.key.open() ?? "").asymmetricKeyType, "rsa");
    assert.deepEqual(codesOf(await loadOne(named)), ["key-encrypted certificates.shop.key"]);
    const wrong = await loadOne({ ...named, passphraseFile: "ca.pem" });
    assert.deepEqual(codesOf(wrong), ["bad-passphrase certificates.shop.key"]);
  });

  it("decrypts a key with a passphrase of the document, and reads it again when that changes", async () => {
    const named = { chain: "rsa.pem", key: "rsa.key" };
    const documentWith = (passphrase: string): object => ({
      certificates: { shop: { ...named, passphrase } },
    });
    const good = await load(documentWith("pass wörd "));
    assert.deepEqual(good.problems, []);
    assert.ok(good.sources.certificates.get("shop"));
    const wrong = await load(documentWith("canary-7f3a"), good.entries);
    assert.deepEqual(codesOf(wrong), ["bad-passphrase certificates.shop.key"]);
    assert.equal(wrong.problems[0]?.severity, "error");
    assert.doesNotMatch(inspect(wrong, { depth: 9 }), /canary/);
    assert.deepEqual((await load(documentWith("pass wörd "), wrong.entries)).problems, []);
  });

  it("names the problem of a pair, and never shows a part of the key", async () => {
    const other = await ca.issue({ names: ["other.example"] });
    const expired = await ca.issue({ names: ["shop.example"], validity: "expired" });
    const early = await ca.issue({ names: ["shop.example"], validity: "not-yet-valid" });
    const { privateKey: small } = generateKeyPairSync("rsa", { modulusLength: 1024 });
    const { privateKey: koblitz } = generateKeyPairSync("ec", { namedCurve: "secp256k1" });
    const pkcs8 = { type: "pkcs8", format: "pem" } as const;
    await expired.writeTo(folder, "expired");
    await early.writeTo(folder, "early");
    await writeFiles(folder, {
      "reversed.pem": ca.certificatePem + shop.chainPem,
      "cut.pem": shop.chainPem.slice(0, -5),
      "cut.key": shop.keyPem.slice(0, -5),
      "damaged.pem": shop.chainPem.replace(/\n[^-\n]{20}/, `\n${"A".repeat(20)}`),
      "damaged.key": shop.keyPem.replace(/\n[^-\n]{20}/, `\n${"A".repeat(20)}`),
      "two.key": shop.keyPem + other.keyPem,
      "small.key": small.export(pkcs8),
      "koblitz.key": koblitz.export(pkcs8),
      "other.key": other.keyPem,
    });
    for (const [chain, key, expected] of [
      ["shop.pem", "other.key", "key-mismatch certificates.shop.key"],
      ["reversed.pem", "shop.key", "key-mismatch certificates.shop.key"],
      ["expired.pem", "expired.key", "certificate-expired certificates.shop.chain"],
      ["early.pem", "early.key", "certificate-not-yet-valid certificates.shop.chain"],
      ["nothing.pem", "shop.key", "file-unreadable certificates.shop.chain"],
      ["shop.pem", "nothing.key", "file-unreadable certificates.shop.key"],
      ["shop.key", "shop.key", "certificate-malformed certificates.shop.chain"],
      ["cut.pem", "shop.key", "certificate-malformed certificates.shop.chain"],
      ["damaged.pem", "shop.key", "certificate-malformed certificates.shop.chain"],
      ["shop.pem", "shop.pem", "key-malformed certificates.shop.key"],
      ["shop.pem", "cut.key", "key-malformed certificates.shop.key"],
      ["shop.pem", "damaged.key", "key-malformed certificates.shop.key"],
      ["shop.pem", "two.key", "key-malformed certificates.shop.key"],
      ["shop.pem", "small.key", "key-malformed certificates.shop.key"],
      ["shop.pem", "koblitz.key", "key-malformed certificates.shop.key"],
    ] as const) {
      const loaded = await loadOne({ chain, key });
      assert.deepEqual(codesOf(loaded), [expected], `${chain} ${key}`);
      // A certificate that is not valid now is used if there is no other one.
      const isValidLater = chain === "expired.pem" || chain === "early.pem";
      assert.equal(loaded.sources.certificates.size, isValidLater ? 1 : 0);
      const keyLine = shop.keyPem.split("\n")[1] ?? "";
      assert.ok(!JSON.stringify(loaded.problems).includes(keyLine));
    }
    const chain = await loadOne({ chain: "shop.pem" });
    assert.deepEqual(codesOf(chain), ["key-malformed certificates.shop.chain"]);
  });

  it("warns of a chain whose order is wrong", async () => {
    const intermediate = await ca.issueIntermediate("between");
    const leaf = await intermediate.issue({ names: ["a.example"] });
    await writeFiles(folder, {
      "good.pem": leaf.chainPem,
      "odd.pem": leaf.certificatePem + ca.certificatePem + intermediate.certificatePem,
      "leaf.key": leaf.keyPem,
    });
    assert.deepEqual((await loadOne({ chain: "good.pem", key: "leaf.key" })).problems, []);
    const odd = await loadOne({ chain: "odd.pem", key: "leaf.key" });
    assert.deepEqual(codesOf(odd), [
      "chain-order certificates.shop.chain",
      "root-in-chain certificates.shop.chain",
    ]);
    assert.equal(odd.problems[0]?.severity, "warning");
    assert.equal(odd.sources.certificates.size, 1);
  });

  it("uses the common name only if no alternative name is a DNS name", async () => {
    const subject = ["-subj", "/O=Example, Inc/CN=Common.example"];
    const files = ["-keyout", join(folder, "cn.key"), "-out", join(folder, "cn.pem")];
    const key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"];
    execFileSync("openssl", ["req", "-x509", ...key, ...files, ...subject], { stdio: "ignore" });
    const { sources } = await loadOne({ chain: "cn.pem", key: "cn.key" });
    assert.deepEqual(sources.certificates.get("shop")?.facts.names, ["common.example"]);
  });

  it("reads each CA with its revocation list once", async () => {
    await writeFiles(folder, { "ca.crl": await ca.revocationList([shop.serial]) });
    const clientAuth = { mode: "require", ca: "ca.pem", crl: "ca.crl" };
    const { sources, problems } = await load({
      policies: {
        a: { clientAuth },
        b: { clientAuth },
        c: { clientAuth: { mode: "request", ca: "ca.pem" } },
      },
    });
    assert.deepEqual(problems, []);
    assert.deepEqual(
      [...sources.trusts.keys()],
      [trustKeyOf("ca.pem", "ca.crl"), trustKeyOf("ca.pem", undefined)],
    );
    const [withList, without] = [...sources.trusts.values()];
    assert.notEqual(withList?.id, without?.id);
    assert.match(withList?.material.crlPem ?? "", /BEGIN X509 CRL/);
  });

  it("reads the CA bundle of the system only if a listener uses it", async () => {
    const loadFor = (listener: object): Promise<LoadedSources> =>
      load({ profiles: { p: { vnics: { v: { ip: "192.0.2.1", listeners: [listener] } } } } });
    const egress = { port: 1, mode: "egress", to: "pay.example:443" };
    const tcp = { port: 1, to: 80, certificates: ["shop"] };
    for (const listener of [egress, { ...egress, endpointTls: {} }, { ...tcp, endpointTls: {} }]) {
      const { sources, problems } = await loadFor(listener);
      // The machine may have no CA bundle, which is a problem then.
      const missing = "system-ca-missing profiles.p.vnics.v.listeners[0].endpointTls.ca";
      const expected = sources.trusts.has(SYSTEM_TRUST_KEY) ? [] : [missing];
      assert.deepEqual(codesOf({ problems }), expected);
    }
    const endpointTls = { ca: "ca.pem" };
    const others = [tcp, { ...tcp, endpointTls: { verify: false } }, { ...egress, endpointTls }];
    await writeFiles(folder, { "ca.pem": ca.certificatePem });
    for (const listener of others) {
      const { sources, problems } = await loadFor(listener);
      assert.equal(sources.trusts.has(SYSTEM_TRUST_KEY), false);
      assert.deepEqual(problems, []);
    }
  });

  it("names the problem of a CA bundle or a revocation list", async () => {
    const stranger = await createTestCa("stranger");
    const namesake = await createTestCa();
    const intermediate = await ca.issueIntermediate("between");
    await writeFiles(folder, {
      "own.crl": await ca.revocationList([]),
      "late.crl": await ca.revocationList([], "expired"),
      "stranger.crl": await stranger.revocationList([]),
      "namesake.crl": await namesake.revocationList([]),
      "damaged.crl": (await ca.revocationList([])).replace(/\n[^-\n]{20}/, `\n${"A".repeat(20)}`),
      "deep.pem": ca.certificatePem + intermediate.certificatePem,
      "deep.crl": (await ca.revocationList([])) + (await intermediate.revocationList([])),
    });
    const loadTrust = (files: object): Promise<LoadedSources> =>
      load({ policies: { p: { clientAuth: { mode: "require", ...files } } } });
    assert.deepEqual((await loadTrust({ ca: "deep.pem", crl: "deep.crl" })).problems, []);
    for (const [files, expected] of [
      [{ ca: "nothing.pem" }, "file-unreadable policies.p.clientAuth.ca"],
      [{ ca: "shop.key" }, "ca-malformed policies.p.clientAuth.ca"],
      [{ ca: "ca.pem", crl: "nothing.crl" }, "file-unreadable policies.p.clientAuth.crl"],
      [{ ca: "ca.pem", crl: "ca.pem" }, "crl-malformed policies.p.clientAuth.crl"],
      [{ ca: "ca.pem", crl: "damaged.crl" }, "crl-malformed policies.p.clientAuth.crl"],
      [{ ca: "ca.pem", crl: "late.crl" }, "crl-expired policies.p.clientAuth.crl"],
      [{ ca: "ca.pem", crl: "stranger.crl" }, "crl-mismatch policies.p.clientAuth.crl"],
      [{ ca: "ca.pem", crl: "namesake.crl" }, "crl-mismatch policies.p.clientAuth.crl"],
      [{ ca: "deep.pem", crl: "own.crl" }, "crl-mismatch policies.p.clientAuth.crl"],
    ] as const) {
      assert.deepEqual(codesOf(await loadTrust(files)), [expected], JSON.stringify(files));
    }
  });

  it("keeps the last good version only if the files are the same", async () => {
    const files = { chain: "kept.pem", key: "kept.key" };
    await shop.writeTo(folder, "kept");
    const good = await loadOne(files);
    await writeFiles(folder, { "kept.key": rsa.keyPem });
    const kept = await load({ certificates: { shop: files } }, good.entries);
    assert.equal(
      kept.sources.certificates.get("shop")?.id,
      good.sources.certificates.get("shop")?.id,
    );
    assert.deepEqual(
      kept.problems.map(({ code, severity }) => `${severity} ${code}`),
      ["warning key-mismatch"],
    );
    const moved = await load(
      { certificates: { shop: { ...files, key: "rsa.pem" } } },
      good.entries,
    );
    assert.equal(moved.sources.certificates.size, 0);
    assert.equal(moved.problems[0]?.severity, "error");
  });

  it("uses the entries of certificates that a change does not touch as they are", async () => {
    const pair = { chain: "shop.pem", key: "shop.key" };
    const missing = { chain: "missing.pem" };
    const certificatesOf = ({ draft }: ReturnType<typeof parseDocument>) => draft.certificates;
    const earlier = parseDocument({
      certificates: { shop: pair, gone: { ...pair }, missing },
    }).draft;
    const added = certificatesOf(parseDocument({ certificates: { more: { ...pair } } }));
    const { gone: _, ...rest } = earlier.certificates;
    const after = { ...earlier, certificates: { ...rest, ...added } };
    const inForce = (await loadSources(earlier, folder, reading)).entries;
    const options = { leavesToWatch: true };
    const { entries, problems } = await loadSources(after, folder, reading, inForce, options);
    assert.deepEqual([...entries.certificates.keys()].toSorted(), ["missing", "more", "shop"]);
    assert.equal(entries.certificates.get("shop"), inForce.certificates.get("shop"));
    // What was refused is read again.
    assert.notEqual(entries.certificates.get("missing"), inForce.certificates.get("missing"));
    assert.deepEqual(codesOf({ problems }), ["file-unreadable certificates.missing.chain"]);
    assert.deepEqual(keysThatDiffer(inForce.certificates, entries.certificates)?.toSorted(), [
      "gone",
      "missing",
      "more",
    ]);
    const again = await loadSources(earlier, folder, reading, inForce);
    assert.notEqual(again.entries.certificates, inForce.certificates);
  });

  it("reports a bug of the director with its stack, and not as a problem of the files", async () => {
    const faults: unknown[] = [];
    const readingOf = (script: string): ReadingParts => {
      const broken = new MaterialReader({
        command: { file: process.execPath, args: ["-e", script], env: {} },
        size: 1,
        onFault: (error) => faults.push(error),
      });
      closeAtTestEnd(() => broken.close());
      return { reader: broken, trial: undefined };
    };
    const { draft } = parseDocument({
      certificates: { shop: { chain: "shop.pem", key: "shop.key" } },
    });
    const [reply = Buffer.alloc(0)] = encodeFrame({ fault: "TypeError: no\n    at a.ts:1" }, []);
    const answer = `process.stdin.once("data", () => process.stdout.write(Buffer.from("${Buffer.from(reply).toString("hex")}", "hex")))`;
    const { problems } = await loadSources(draft, folder, readingOf(answer));
    assert.deepEqual(
      problems.map(({ code, path, severity }) => [code, path, severity]),
      [["internal", "", "error"]],
    );
    assert.match(problems[0]?.message ?? "", /certificates\.shop .*TypeError: no/);
    assert.match(String((faults.shift() as Error).stack), /at a\.ts:1/);

    const dying = 'console.error("last words"); process.stdin.once("data", () => process.exit(3))';
    const died = await loadSources(draft, folder, readingOf(dying));
    assert.deepEqual(codesOf(died), ["reader-failed certificates.shop"]);
    assert.match(died.problems[0]?.message ?? "", /exit code 3/);
    assert.match(inspect(faults[0]), /last words/);
  });
});
