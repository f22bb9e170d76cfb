import assert from "node:assert/strict";
import { join } from "node:path";
import { before, describe, it } from "node:test";
import { makeTempFolder, writeFiles } from "#harness/temp-folder.ts";
import { testChecking } from "#harness/material-reader.ts";
import { createTestCa, type TestCa } from "#harness/test-ca.ts";
import { checkFile, checkValue, type CheckedDocument } from "./check-file.ts";

describe("checkFile", () => {
  let folder: string;
  let ca: TestCa;
  const parts = testChecking();

  before(async () => {
    folder = await makeTempFolder();
    ca = await createTestCa();
    await writeFiles(folder, { "ca.pem": ca.certificatePem });
    await (await ca.issue({ names: ["shop.example"] })).writeTo(folder, "shop");
    await (await ca.issue({ names: ["shop.example"], keyType: "rsa" })).writeTo(folder, "rsa");
    await (await ca.issue({ names: ["old.example"], validity: "expired" })).writeTo(folder, "old");
  });

  async function check(rest: string): Promise<CheckedDocument> {
    await writeFiles(folder, {
      "director.yaml": `servers: { web-1: { address: 192.0.2.1 } }\n${rest}`,
    });
    return checkFile(join(folder, "director.yaml"), { kind: "check" }, parts);
  }

  const profiles = (listener: string): string =>
    `profiles: { shop: { servers: [web-1], vnics: { front: { ip: 198.51.100.1, listeners: [{ port: 443, ${listener} }] } } } }\n`;
  const certificates = (...names: readonly string[]): string =>
    `certificates: { ${names.map((name) => `${name}: { chain: ${name}.pem, key: ${name}.key }`).join(", ")} }\n`;
  const placesOf = ({ problems }: CheckedDocument): readonly string[] =>
    problems.map(({ code, path }) => `${code} ${path}`);

  it("returns a good document with its sources and its folder", async () => {
    const checked = await check(profiles("to: 80, certificates: [shop]") + certificates("shop"));
    assert.deepEqual(checked.problems, []);
    assert.equal(checked.folder, folder);
    assert.deepEqual([...(checked.entries?.certificates.keys() ?? [])], ["shop"]);
    assert.equal(checked.document?.servers["web-1"]?.address, "192.0.2.1");
    const listener = { port: 443, to: 80, certificates: ["shop"] };
    assert.deepEqual(checked.written, {
      servers: { "web-1": { address: "192.0.2.1" } },
      profiles: {
        shop: {
          servers: ["web-1"],
          vnics: { front: { ip: "198.51.100.1", listeners: [listener] } },
        },
      },
      certificates: { shop: { chain: join(folder, "shop.pem"), key: join(folder, "shop.key") } },
    });
  });

  it("refuses files outside of the folders that it is given", async () => {
    const value = { certificates: { shop: { chain: "shop.pem", key: "shop.key" } } };
    const inside = { kind: "check", foldersOf: () => [folder] } as const;
    assert.ok((await checkValue(value, folder, inside, parts)).document);
    const outside = { kind: "check", foldersOf: () => [join(folder, "certs")] } as const;
    const refused = await checkValue(value, folder, outside, parts);
    assert.equal(refused.document, undefined);
    assert.equal(refused.written, undefined);
    assert.equal(placesOf(refused)[0], "path-outside certificates.shop.chain");
  });

  it("refuses files that a change adds outside of the folders, at their places in the document that was sent", async () => {
    const policy = "modern";
    const listeners = [
      { port: 443, to: 80, policy, endpointTls: { serverName: "a", ca: "/elsewhere/ca.pem" } },
      { port: 80, to: 80, policy },
    ];
    const value = {
      servers: { "web-1": { address: "192.0.2.1" } },
      profiles: {
        shop: { servers: ["web-1"], vnics: { front: { ip: "198.51.100.1", listeners } } },
      },
    };
    const change = { kind: "change", inForce: undefined, before: {} } as const;
    const checked = await checkValue(
      value,
      folder,
      { ...change, foldersOf: () => [folder] },
      parts,
    );
    const place = "profiles.shop.vnics.front.listeners[0].endpointTls.ca";
    assert.ok(placesOf(checked).includes(`path-outside ${place}`), placesOf(checked).join("\n"));
    assert.ok(!placesOf(checked).some((one) => one.includes("listeners[1].endpointTls")));
  });

  it("refuses a path that its folder makes too long to be read", async () => {
    const chain = "a".repeat(4_096);
    const checked = await checkValue(
      { certificates: { shop: { chain } } },
      folder,
      { kind: "start" },
      parts,
    );
    assert.ok(placesOf(checked).includes("bad-value certificates.shop.chain"));
    assert.equal(checked.document, undefined);
  });

  it("shows problems of the document and of its files together", async () => {
    const checked = await check(
      `${profiles("to: 80, colour: red, certificates: [shop, old, gone, nobody]")}${certificates("shop", "old", "gone")}policies: { p: { clientAuth: { mode: require, ca: shop.key } } }\n`,
    );
    assert.deepEqual(placesOf(checked), [
      "unknown-key profiles.shop.vnics.front.listeners[0].colour",
      "unknown-certificate profiles.shop.vnics.front.listeners[0].certificates[3]",
      "certificate-expired certificates.old.chain",
      "file-unreadable certificates.gone.chain",
      "ca-malformed policies.p.clientAuth.ca",
    ]);
    assert.equal(checked.document, undefined);
    assert.equal(checked.entries, undefined);
  });

  it("gives problems of the document and of its files their lines and columns, and the file", async () => {
    const { problems } = await check(`${profiles("to: 80, certificates: [old]")}certificates:
  old: { chain: old.pem, key: old.key }
`);
    assert.deepEqual(
      problems.map(({ code, file, line, column }) => [code, file, line, column]),
      [["certificate-expired", join(folder, "director.yaml"), 4, 17]],
    );
  });

  it("does not judge files of an entry that has another mistake", async () => {
    const listener = profiles("to: 80, certificates: [shop, old]");
    const shop = "shop: { chain: shop.pem, keyy: shop.key }";
    const old = "old: 5";
    const rest = "policies: { p: { clientAuth: { mode: always, ca: nothing.pem } } }\n";
    assert.deepEqual(
      placesOf(await check(`${listener}certificates: { ${shop}, ${old} }\n${rest}`)),
      [
        "unknown-key certificates.shop.keyy",
        "bad-value certificates.old",
        "bad-value policies.p.clientAuth.mode",
      ],
    );
  });

  it("warns of a client certificate that a listener presents to clients, and accepts it for endpoints", async () => {
    await (await ca.issue({ names: ["us"], usage: "client" })).writeTo(folder, "us");
    const both =
      "to: 80, certificates: [shop, us], endpointTls: { verify: false, certificate: us }";
    const checked = await check(profiles(both) + certificates("shop", "us"));
    assert.deepEqual(placesOf(checked), [
      "key-usage profiles.shop.vnics.front.listeners[0].certificates[1]",
    ]);
    assert.ok(checked.document !== undefined);
  });

  it("refuses an endpoint that is the director's own socket", async () => {
    const own = (to: string): string =>
      profiles(`to: "unix:${to}", certificates: [shop]`) + certificates("shop");
    for (const path of [`${folder}/data/tlsd.sock`, "/run/tlsd/tlsd.sock"]) {
      const checked = await check(own(path));
      assert.deepEqual(placesOf(checked), [
        "endpoint-loop profiles.shop.vnics.front.listeners[0].to",
      ]);
    }
    assert.deepEqual(placesOf(await check(own("/run/app/tlsd.sock"))), []);
    const wantedFolders = () => ({ dataPath: "/a", runtimePath: "/run/app", fallbacks: [] });
    const path = join(folder, "director.yaml");
    const checked = await checkFile(path, { kind: "check" }, { ...parts, wantedFolders });
    assert.deepEqual(placesOf(checked), [
      "endpoint-loop profiles.shop.vnics.front.listeners[0].to",
    ]);
  });

  it("refuses a change to a document that is too large, and starts with one that is stored", async () => {
    const entry = (at: number) => [`c${at}`, { chain: `/${"x".repeat(4_000)}/${at}.pem` }] as const;
    const many = Object.fromEntries(Array.from({ length: 1_100 }, (_, at) => entry(at)));
    const checkAs = (kind: "change" | "start") =>
      checkValue(
        { certificates: many },
        folder,
        kind === "start" ? { kind } : { kind, inForce: undefined },
        parts,
      );
    await assert.rejects(checkAs("change"), { code: "document-too-large" });
    assert.equal(Object.keys((await checkAs("start")).written?.certificates ?? {}).length, 1_100);
  });

  it("accepts a document with warnings", async () => {
    const rest = profiles("to: 80, certificates: [shop]").replace(
      "ip:",
      "qos: { rate: 1m_1g }, ip:",
    );
    const checked = await check(rest + certificates("shop"));
    assert.deepEqual(
      checked.problems.map(({ severity }) => severity),
      ["warning"],
    );
    assert.notEqual(checked.document, undefined);
  });

  it("finds a policy whose TLS 1.2 cipher suites work with none of the certificates", async () => {
    const policies = (base: string): string =>
      `policies: { rsa: { ${base}, cipherSuites: [ECDHE-RSA-AES128-GCM-SHA256, TLS_AES_128_GCM_SHA256] } }\n`;
    const both = "minVersion: TLSv1.2";
    const ecdsa =
      profiles("to: 80, policy: rsa, certificates: [shop]") + certificates("shop", "rsa");
    assert.deepEqual(placesOf(await check(ecdsa + policies(both))), [
      "suite-without-key-type profiles.shop.vnics.front.listeners[0].policy",
      "unused-certificate certificates.rsa",
    ]);
    const mixed =
      profiles("to: 80, policy: rsa, certificates: [shop, rsa]") + certificates("shop", "rsa");
    assert.deepEqual(placesOf(await check(mixed + policies(both))), []);
  });

  it("warns of certificates and vNICs that nothing uses", async () => {
    const [used, forEndpoints, unused] = ["shop", "rsa", "*.unused.example"];
    await (await ca.issue({ names: ["unused.example"] })).writeTo(folder, "unused");
    const checked = await check(
      `profiles: { shop: { servers: [web-1], vnics: { front: { ip: 198.51.100.1, listeners: [{ port: 443, to: 80, certificates: [${used}], endpointTls: { ca: ca.pem, certificate: ${forEndpoints} } }] }, back: { ip: 198.51.100.2 } } } }
certificates: { ${used}: { chain: shop.pem, key: shop.key }, ${forEndpoints}: { chain: rsa.pem, key: rsa.key }, "${unused}": { chain: unused.pem, key: unused.key } }
`,
    );
    assert.deepEqual(placesOf(checked), [
      "vnic-without-listeners profiles.shop.vnics.back.listeners",
      `unused-certificate certificates["${unused}"]`,
    ]);
    assert.ok(checked.document);
  });

  it("shows an error of a certificate although the certificate is not used", async () => {
    const checked = await check(
      profiles("to: 80, certificates: [shop]") + certificates("shop", "old", "gone"),
    );
    assert.deepEqual(placesOf(checked), [
      "certificate-expired certificates.old.chain",
      "file-unreadable certificates.gone.chain",
      "unused-certificate certificates.old",
      "unused-certificate certificates.gone",
    ]);
    assert.equal(checked.document, undefined);
  });

  it("warns of a CA bundle without the root in which a chain must end", async () => {
    const intermediate = await ca.issueIntermediate("intermediate");
    const low = await intermediate.issueIntermediate("low");
    await writeFiles(folder, {
      "intermediate.pem": intermediate.certificatePem,
      "both.pem": low.certificatePem + intermediate.certificatePem + ca.certificatePem,
      "gap.pem": low.certificatePem + ca.certificatePem,
    });
    const policyOf = (settings: string): string => `{ clientAuth: { ${settings} } }`;
    const policies = {
      rootless: policyOf("mode: request, ca: intermediate.pem"),
      gap: policyOf("mode: require, ca: gap.pem"),
      whole: policyOf("mode: require, ca: both.pem"),
      anchored: policyOf("mode: require, ca: intermediate.pem, partialChain: true"),
    };
    const listed = Object.entries(policies).map(([name, policy]) => `${name}: ${policy}`);
    const endpointTls = "endpointTls: { ca: intermediate.pem }";
    const checked = await check(
      `${profiles(`to: 80, certificates: [shop], ${endpointTls}`)}${certificates("shop")}policies: { ${listed.join(", ")} }\n`,
    );
    assert.deepEqual(placesOf(checked), [
      "ca-without-root policies.rootless.clientAuth.ca",
      "ca-without-root policies.gap.clientAuth.ca",
      "ca-without-root profiles.shop.vnics.front.listeners[0].endpointTls.ca",
    ]);
    assert.match(checked.problems[0]?.message ?? "", /^The CA CN=intermediate is not self-signed/);
    assert.match(checked.problems[0]?.hint ?? "", /partialChain: true/);
    assert.match(checked.problems[1]?.message ?? "", /^The CA CN=low is not self-signed/);
    assert.doesNotMatch(checked.problems[2]?.hint ?? "", /partialChain/);
    assert.ok(checked.document);
  });

  it("refuses an endpoint that would give clients access to the admin socket", async () => {
    const listener = `to: "unix:${folder}/data/../data/tlsd.sock", certificates: [shop]`;
    assert.deepEqual(placesOf(await check(profiles(listener) + certificates("shop"))), [
      "endpoint-loop profiles.shop.vnics.front.listeners[0].to",
    ]);
  });

  it("reports an unreadable document as a problem", async () => {
    const missing = await checkFile(join(folder, "nothing.yaml"), { kind: "check" }, parts);
    assert.deepEqual(placesOf(missing), ["document-unreadable "]);
    assert.equal(missing.folder, folder);
    assert.match((await check("a: [")).problems[0]?.message ?? "", /^Flow sequence/);
  });
});
