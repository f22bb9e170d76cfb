import assert from "node:assert/strict";
import { createPrivateKey, X509Certificate } from "node:crypto";
import { stat } from "node:fs/promises";
import { join } from "node:path";
import { before, describe, it } from "node:test";
import { runToExit, type ProcessResult } from "./child-process.ts";
import { makeTempFolder, writeFiles } from "./temp-folder.ts";
import { createTestCa, type TestCa } from "./test-ca.ts";

describe("the test CA", () => {
  let folder: string;
  let ca: TestCa;

  const verify = (file: string, ...args: string[]): Promise<ProcessResult> =>
    runToExit("openssl", [
      ...["verify", "-CAfile", join(folder, "ca.pem"), ...args],
      ...["-untrusted", join(folder, file), join(folder, file)],
    ]);

  before(async () => {
    folder = await makeTempFolder();
    ca = await createTestCa();
    await writeFiles(folder, { "ca.pem": ca.certificatePem });
  });

  it("issues server certificates that openssl verifies by name and by address", async () => {
    const issued = await ca.issue({
      names: ["shop.example", "*.shop.example", "127.0.0.1", "::1"],
    });
    await issued.writeTo(folder, "shop");
    const result = await verify("shop.pem", "-purpose", "sslserver", "-verify_ip", "127.0.0.1");
    assert.equal(result.code, 0, result.stderr);
    assert.equal((await verify("shop.pem", "-purpose", "sslclient")).code, 2);
    const certificate = new X509Certificate(issued.certificatePem);
    assert.equal(certificate.checkHost("a.shop.example"), "*.shop.example");
    assert.equal(certificate.checkIP("::1"), "::1");
    assert.ok(certificate.checkPrivateKey(createPrivateKey(issued.keyPem)));
    assert.equal(certificate.serialNumber.toLowerCase(), issued.serial);
    assert.equal((await stat(join(folder, "shop.key"))).mode & 0o777, 0o600);
  });

  it("issues RSA certificates and chains over an intermediate", async () => {
    const intermediate = await ca.issueIntermediate("intermediate");
    const issued = await intermediate.issue({ names: ["rsa.example"], keyType: "rsa" });
    await issued.writeTo(folder, "rsa");
    assert.equal((await verify("rsa.pem")).code, 0);
    assert.equal(issued.chainPem.split("BEGIN CERTIFICATE").length - 1, 2);
    assert.equal(createPrivateKey(issued.keyPem).asymmetricKeyType, "rsa");
  });

  it("issues certificates outside of their time", async () => {
    for (const [validity, reason] of [
      ["expired", /certificate has expired/],
      ["not-yet-valid", /not yet valid/],
    ] as const) {
      await (await ca.issue({ names: ["shop.example"], validity })).writeTo(folder, validity);
      assert.match((await verify(`${validity}.pem`)).stderr, reason);
    }
  });

  it("encrypts keys with a passphrase", async () => {
    const issued = await ca.issue({ names: ["shop.example"] });
    const { key } = await issued.writeTo(folder, "locked", "open sesame");
    const show = (passphrase: string): Promise<ProcessResult> =>
      runToExit("openssl", ["pkey", "-in", key, "-passin", `pass:${passphrase}`, "-noout"]);
    assert.equal((await show("open sesame")).code, 0);
    assert.notEqual((await show("wrong")).code, 0);
  });

  it("revokes client certificates", async () => {
    const good = await ca.issue({ names: ["alice"], usage: "client" });
    const revoked = await ca.issue({ names: ["mallory"], usage: "client" });
    await good.writeTo(folder, "alice");
    await revoked.writeTo(folder, "mallory");
    await writeFiles(folder, { "ca.crl": await ca.revocationList([revoked.serial]) });
    const args = ["-crl_check", "-CRLfile", join(folder, "ca.crl"), "-purpose", "sslclient"];
    const result = await verify("alice.pem", ...args);
    assert.equal(result.code, 0, result.stderr);
    assert.match((await verify("mallory.pem", ...args)).stderr, /certificate revoked/);
  });
});
