import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { test } from "node:test";
import { CIPHER_SUITES, GROUPS } from "#model/tls/cipher-suites.ts";
import { requirePackage } from "#harness/packages.ts";
import { cipherSuiteName, groupName, versionName } from "./tls-names.ts";

test("every suite and group of a policy has its name", () => {
  for (const { code, name } of CIPHER_SUITES) assert.equal(cipherSuiteName(code), name);
  for (const [name, code] of Object.entries(GROUPS)) assert.equal(groupName(code), name);
});

test("versions have the names that both engines use", () => {
  const names = [0x0300, 0x0301, 0x0302, 0x0303, 0x0304].map(versionName);
  assert.deepEqual(names, ["SSLv3", "TLSv1", "TLSv1.1", "TLSv1.2", "TLSv1.3"]);
});

test("a code without a name is shown as it is", () => {
  assert.equal(cipherSuiteName(0xfe01), "0xfe01");
  assert.equal(groupName(0x0001), "0x0001");
  assert.equal(versionName(0x7f1c), "0x7f1c");
});

test("suites have the names that OpenSSL gives them", async (context) => {
  if (!(await requirePackage(context, "openssl"))) return;
  const args = ["ciphers", "-V", "ALL:@SECLEVEL=0"];
  const listing = execFileSync("openssl", args, { encoding: "utf8" });
  let compared = 0;
  for (const line of listing.split("\n")) {
    const [, high, low, name] = /^\s*0x(..),0x(..) - (\S+)/.exec(line) ?? [];
    const ours = cipherSuiteName(Number.parseInt(`${high}${low}`, 16));
    if (name === undefined || ours.startsWith("0x")) continue;
    assert.equal(ours, name);
    compared += 1;
  }
  assert.ok(compared >= 30, `only ${compared} compared`);
});
