import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { createPrivateKey } from "node:crypto";
import { join } from "node:path";
import { describe, it } from "node:test";
import { testReader } from "#harness/material-reader.ts";
import { makeTempFolder, writeFiles } from "#harness/temp-folder.ts";
import { watchHolds } from "#harness/watch-holds.ts";
import { REQUEST_KEY_TYPES } from "#model/tls/request-keys.ts";
import { importCertificate } from "./import/import-certificate.ts";
import { makeRequest, requestNameProblems } from "./make-request.ts";

const names = ["shop.example", "*.shop.example", "192.0.2.1", "2001:db8::1", "SHOP.example"];

const openssl = (args: readonly string[], input?: string): string =>
  execFileSync("openssl", args, { encoding: "utf8", input, stdio: ["pipe", "pipe", "ignore"] });

const KEYS: Readonly<Record<string, RegExp>> = {
  ecdsa: /NIST CURVE: P-256/,
  "ecdsa-p384": /NIST CURVE: P-384/,
  "ecdsa-p521": /NIST CURVE: P-521/,
  rsa: /Public-Key: \(2048 bit\)/,
  "rsa-3072": /Public-Key: \(3072 bit\)/,
  "rsa-4096": /Public-Key: \(4096 bit\)/,
  ed25519: /ED25519 Public-Key/,
};

describe("a request for a certificate", () => {
  for (const keyType of REQUEST_KEY_TYPES) {
    it(`with a key ${keyType} has its names and its signature`, async () => {
      const { requestPem, keyPem } = await makeRequest(names, keyType);
      const text = openssl(["req", "-verify", "-noout", "-text"], requestPem);
      assert.match(text, KEYS[keyType] ?? /^$/);
      assert.match(text, /Subject: CN = ?shop\.example/);
      assert.match(
        text,
        /DNS:shop\.example, DNS:\*\.shop\.example, IP Address:192\.0\.2\.1, IP Address:2001:DB8:0:0:0:0:0:1\n/,
      );
      assert.equal(createPrivateKey(keyPem).type, "private");
    });
  }

  it("has no common name if the first name is longer than one may be", async () => {
    const long = `${"a".repeat(60)}.shop.example`;
    const { requestPem } = await makeRequest([long], "ecdsa");
    const text = openssl(["req", "-noout", "-text"], requestPem);
    assert.match(text, /Subject: *\n/);
    assert.ok(text.includes(`DNS:${long}`));
  });

  it("does not hold the event loop while the key is made", async () => {
    await makeRequest(names, "ecdsa");
    using holds = watchHolds();
    await makeRequest(names, "rsa-4096");
    const longestMs = holds.longestMs();
    assert.ok(longestMs < 50, `the event loop was held for ${longestMs} ms`);
  });

  it("is completed by the chain that the CA sends back", async () => {
    const folder = await makeTempFolder();
    const { requestPem, keyPem } = await makeRequest(["shop.example"], "ecdsa");
    await writeFiles(folder, { "shop.csr": requestPem, ext: "subjectAltName=DNS:shop.example\n" });
    const at = (name: string): string => join(folder, name);
    const newCa = ["req", "-x509", "-newkey", "ed25519", "-nodes", "-subj", "/CN=ca"];
    const caPem = openssl([...newCa, "-keyout", at("ca.key"), "-out", at("ca.pem")]);
    assert.equal(caPem, "");
    const signing = ["x509", "-req", "-in", at("shop.csr"), "-extfile", at("ext"), "-days", "30"];
    const chain = openssl([...signing, "-CA", at("ca.pem"), "-CAkey", at("ca.key")]);
    const reader = testReader();
    const complete = (pendingKeyPem: string) =>
      importCertificate(
        {
          files: [{ name: "signed.pem", bytes: Buffer.from(chain) }],
          passphrase: undefined,
          pendingKeyPem,
          intermediatesPem: "",
          place: "certificates.shop",
          keepsRoot: false,
          allowsNotYetValid: false,
          nowMs: Date.now(),
        },
        reader,
      );
    const { version } = await complete(keyPem);
    assert.equal(version.material.key.open(), keyPem);
    assert.deepEqual(version.facts.names, ["shop.example"]);
    const { keyPem: another } = await makeRequest(["shop.example"], "ecdsa");
    await assert.rejects(complete(another), /made for the request does not belong to/);
  });
});

it("a request needs names that a certificate can have", () => {
  const codesOf = (list: readonly string[]): readonly string[] =>
    requestNameProblems(list, "names").map(({ code }) => code);
  assert.deepEqual(codesOf(names), []);
  assert.deepEqual(codesOf([]), ["missing-key"]);
  for (const bad of [
    "",
    "a b",
    "a..b",
    "-a",
    "a_b",
    "a\0b",
    "*",
    "a.*.b",
    "bücher.example",
    "a:443",
  ]) {
    assert.deepEqual(codesOf([bad, "shop.example"]), ["bad-server-name"], bad);
  }
  assert.deepEqual(codesOf(Array.from({ length: 2_001 }, (_, at) => `h${at}.example`)), [
    "too-many-names",
  ]);
});
