import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { parseDocument } from "./parse-document.ts";

function placesOf(policy: object, name = "own"): readonly string[] {
  const { problems } = parseDocument({ policies: { [name]: policy } });
  return problems.map(({ code, path }) => `${code} ${path.replace(`policies.${name}.`, "")}`);
}

describe("checkPolicy", () => {
  it("accepts a preset with changes", () => {
    assert.deepEqual(placesOf({}), []);
    assert.deepEqual(placesOf({ maxVersion: "TLSv1.2" }), []);
    assert.deepEqual(
      placesOf({ minVersion: "TLSv1.3", cipherSuites: ["TLS_AES_128_GCM_SHA256"] }),
      [],
    );
    const clientAuth = { mode: "require", ca: "ca.pem", crl: "ca.crl" };
    assert.deepEqual(placesOf({ base: "modern", clientAuth }), []);
  });

  it("refuses the name of a preset", () => {
    assert.deepEqual(placesOf({}, "modern"), ["preset-name policies.modern"]);
  });

  it("refuses a lowest version above the highest", () => {
    assert.deepEqual(placesOf({ minVersion: "TLSv1.3", maxVersion: "TLSv1.2" }), [
      "bad-versions maxVersion",
    ]);
    assert.deepEqual(placesOf({ base: "modern", maxVersion: "TLSv1.2" }), [
      "bad-versions maxVersion",
    ]);
  });

  it("refuses suites without a version and versions without a suite", () => {
    const aes = "ECDHE-ECDSA-AES128-GCM-SHA256";
    assert.deepEqual(placesOf({ base: "modern", cipherSuites: ["TLS_AES_128_GCM_SHA256", aes] }), [
      "suite-without-version cipherSuites[1]",
    ]);
    assert.deepEqual(placesOf({ cipherSuites: [aes] }), ["version-without-suite cipherSuites"]);
    assert.deepEqual(placesOf({ maxVersion: "TLSv1.2", cipherSuites: [aes] }), []);
    assert.deepEqual(placesOf({ base: "modern", minVersion: "TLSv1.2" }), [
      "version-without-suite minVersion",
    ]);
    assert.equal(placesOf({ cipherSuites: ["RC4-SHA"] })[0], "bad-value cipherSuites[0]");
  });

  it("refuses versions without a group", () => {
    const groups = ["X25519MLKEM768"];
    assert.deepEqual(placesOf({ groups }), ["version-without-group groups"]);
    assert.deepEqual(placesOf({ maxVersion: "TLSv1.2", groups }), ["version-without-group groups"]);
    assert.deepEqual(placesOf({ groups: [...groups, "P-256"] }), []);
    assert.deepEqual(placesOf({ base: "modern", groups }), []);
  });

  it("requires CAs to verify clients", () => {
    assert.deepEqual(placesOf({ clientAuth: { mode: "request" } }), ["missing-key clientAuth.ca"]);
    assert.deepEqual(placesOf({ clientAuth: { crl: "ca.crl" } }), ["missing-key clientAuth.crl"]);
    assert.deepEqual(placesOf({ clientAuth: { mode: "require", crl: "ca.crl" } }), [
      "missing-key clientAuth.ca",
      "missing-key clientAuth.crl",
    ]);
    assert.deepEqual(placesOf({ clientAuth: { ca: "ca.pem" } }), ["not-used clientAuth.ca"]);
  });

  it("accepts intermediate CAs as trust anchors if clients are verified, and not with a revocation list", () => {
    const partialChain = true;
    const clientAuth = { mode: "require", ca: "ca.pem", partialChain };
    assert.deepEqual(placesOf({ clientAuth }), []);
    assert.deepEqual(placesOf({ clientAuth: { partialChain } }), [
      "not-used clientAuth.partialChain",
    ]);
    assert.deepEqual(placesOf({ clientAuth: { ...clientAuth, crl: "ca.crl" } }), [
      "crl-with-partial-chain clientAuth.partialChain",
    ]);
  });
});
