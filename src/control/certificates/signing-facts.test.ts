import assert from "node:assert/strict";
import { X509Certificate, createPrivateKey } from "node:crypto";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { before, describe, it } from "node:test";
import { SCHEMES } from "#model/tls/signature-schemes.ts";
import { runToExit } from "#harness/child-process.ts";
import { makeTempFolder } from "#harness/temp-folder.ts";
import { createTestCa, type TestCa } from "#harness/test-ca.ts";
import type { KeyType as TestKeyType } from "#harness/test-keys.ts";
import { signingFactsOf } from "./signing-facts.ts";
import { tryKeyType } from "./certificate-facts.ts";

function factsOf(keyPem: string, ...chain: readonly string[]) {
  const key = createPrivateKey(keyPem);
  const keyType = tryKeyType(key);
  assert.ok(keyType !== undefined);
  return signingFactsOf(
    key,
    keyType,
    chain.map((pem) => new X509Certificate(pem)),
  );
}

describe("the signature schemes that a client must support", () => {
  let ca: TestCa;
  let rsaCa: TestCa;

  before(async () => {
    [ca, rsaCa] = await Promise.all([createTestCa(), createTestCa("RSA CA", "rsa")]);
  });

  const pssRsae = [
    SCHEMES.rsa_pss_rsae_sha256,
    SCHEMES.rsa_pss_rsae_sha384,
    SCHEMES.rsa_pss_rsae_sha512,
  ];
  const keys: readonly (readonly [TestKeyType, readonly number[]])[] = [
    ["ecdsa", [SCHEMES.ecdsa_secp256r1_sha256]],
    ["ecdsa-p384", [SCHEMES.ecdsa_secp384r1_sha384]],
    ["ecdsa-p521", [SCHEMES.ecdsa_secp521r1_sha512]],
    ["ed25519", [SCHEMES.ed25519]],
    ["rsa", pssRsae],
  ];
  for (const [keyType, keySchemes] of keys) {
    it(`include those of a key ${keyType} and of the chain above it`, async () => {
      const issued = await ca.issue({ names: ["shop.example"], keyType });
      assert.deepEqual(factsOf(issued.keyPem, issued.certificatePem), {
        keySchemes,
        chainSchemes: [SCHEMES.ecdsa_secp256r1_sha256],
      });
    });
  }

  it("include each scheme of a chain once, without those of roots", async () => {
    const intermediate = await rsaCa.issueIntermediate("intermediate");
    const { keyPem, certificatePem } = await intermediate.issue({ names: ["shop.example"] });
    const chain = [certificatePem, intermediate.certificatePem, rsaCa.certificatePem];
    assert.deepEqual(factsOf(keyPem, ...chain).chainSchemes, [
      SCHEMES.ecdsa_secp256r1_sha256,
      SCHEMES.rsa_pkcs1_sha256,
    ]);
  });

  it("include the hash of RSASSA-PSS, for keys and for signatures", async () => {
    const folder = await makeTempFolder();
    const pathOf = (name: string): string => join(folder, name);
    const openssl = async (...args: readonly string[]): Promise<void> => {
      const { code, stderr } = await runToExit("openssl", args);
      assert.equal(code, 0, stderr);
    };
    const bound = ["-pkeyopt", "rsa_pss_keygen_md:sha384", "-pkeyopt", "rsa_pss_keygen_saltlen:48"];
    await openssl("genpkey", "-algorithm", "RSA-PSS", ...bound, "-out", pathOf("ca.key"));
    const named = ["-subj", "/CN=PSS CA", "-days", "2", "-sha384"];
    const root = ["req", "-x509", "-new", "-key", pathOf("ca.key"), ...named];
    await openssl(...root, "-out", pathOf("ca.pem"));
    const leaf = ["req", "-new", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"];
    await openssl(...leaf, "-subj", "/CN=a", "-keyout", pathOf("k"), "-out", pathOf("csr"));
    const issuer = ["-CA", pathOf("ca.pem"), "-CAkey", pathOf("ca.key"), "-CAcreateserial"];
    const signed = ["x509", "-req", "-in", pathOf("csr"), ...issuer, "-days", "2", "-sha384"];
    await openssl(...signed, "-out", pathOf("leaf.pem"));
    const read = (name: string): Promise<string> => readFile(pathOf(name), "utf8");
    assert.deepEqual(factsOf(await read("k"), await read("leaf.pem")).chainSchemes, [
      SCHEMES.rsa_pss_rsae_sha384,
    ]);
    assert.deepEqual(factsOf(await read("ca.key"), await read("ca.pem")), {
      keySchemes: [SCHEMES.rsa_pss_pss_sha384],
      chainSchemes: [],
    });
  });
});
