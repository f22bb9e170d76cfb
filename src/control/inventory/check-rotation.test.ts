import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { CertificateFacts } from "#model/document/certificate.ts";
import { sampleFacts as facts } from "#harness/sample-facts.ts";
import { namesNotCovered, rotationProblems } from "./check-rotation.ts";

const none = { allowsFewerNames: false, allowsOtherKeyType: false, allowsWeakerKey: false };
const rsa = (keySize: number): Partial<CertificateFacts> => ({ keyType: "rsa", keySize });

const problemsOf = (
  before: Partial<CertificateFacts>,
  after: Partial<CertificateFacts>,
  allowances = none,
): readonly string[] =>
  rotationProblems({ ...facts, ...before }, { ...facts, ...after }, "place", allowances).map(
    ({ code, severity }) => `${code} ${severity}`,
  );

describe("rotationProblems", () => {
  it("finds nothing if everything is covered and nothing is weaker", () => {
    assert.deepEqual(problemsOf({}, {}), []);
    assert.deepEqual(
      problemsOf({}, { names: ["*.shop.example", "shop.example", "more.example"] }),
      [],
    );
    assert.deepEqual(problemsOf(rsa(2_048), rsa(4_096)), []);
    assert.deepEqual(problemsOf({}, { keySize: 384, curve: "P-384", notAfterMs: 2_000 }), []);
  });

  it("finds names that are lost, another type of key, a weaker key and an earlier end", () => {
    assert.deepEqual(problemsOf({}, { names: ["shop.example"] }), ["fewer-names error"]);
    assert.deepEqual(problemsOf({ keySize: 384 }, {}), ["weaker-key error"]);
    assert.deepEqual(problemsOf(rsa(4_096), rsa(3_072)), ["weaker-key error"]);
    assert.deepEqual(problemsOf({}, rsa(2_048)), ["other-key-type error", "weaker-key error"]);
    assert.deepEqual(problemsOf({}, rsa(3_072)), ["other-key-type error"]);
    assert.deepEqual(problemsOf({}, { keyType: "ed25519" }), ["other-key-type error"]);
    assert.deepEqual(problemsOf({}, { notAfterMs: 999 }), ["expires-earlier warning"]);
  });

  it("warns of what is allowed", () => {
    const all = { allowsFewerNames: true, allowsOtherKeyType: true, allowsWeakerKey: true };
    const worse = { ...rsa(2_048), names: [] };
    const warnings = ["fewer-names warning", "other-key-type warning", "weaker-key warning"];
    assert.deepEqual(problemsOf({}, worse, all), warnings);
    assert.deepEqual(
      problemsOf({}, worse, { ...all, allowsWeakerKey: false }).at(-1),
      "weaker-key error",
    );
  });
});

describe("namesNotCovered", () => {
  const lost = (before: string, after: string): readonly string[] =>
    namesNotCovered(before.split(" "), after.split(" "));

  it("lets a wildcard cover one label, and only a wildcard a wildcard", () => {
    assert.deepEqual(lost("a.b.example", "*.b.example"), []);
    assert.deepEqual(lost("a.a.b.example", "*.b.example"), ["a.a.b.example"]);
    assert.deepEqual(lost("b.example", "*.b.example"), ["b.example"]);
    assert.deepEqual(lost("*.b.example", "a.b.example"), ["*.b.example"]);
    assert.deepEqual(lost("*.b.example", "*.b.example"), []);
    assert.deepEqual(lost("*.b.example", "*.example"), ["*.b.example"]);
    assert.deepEqual(lost("localhost", "*."), ["localhost"]);
    // Listeners present no certificate by these wildcards.
    assert.deepEqual(lost("b.example", "*.example"), ["b.example"]);
    assert.deepEqual(lost("_a.b.example", "*.b.example"), ["_a.b.example"]);
  });
});
