import assert from "node:assert/strict";
import { it } from "node:test";
import { isFingerprint } from "#model/document/secrets.ts";
import { fingerprintWith } from "./secret-fingerprint.ts";

it("a fingerprint depends on the secret and on the key, and shows neither", () => {
  const fingerprintOf = fingerprintWith(Buffer.alloc(32, 1));
  const fingerprint = fingerprintOf("wörd");
  assert.ok(isFingerprint(fingerprint), fingerprint);
  assert.equal(fingerprintOf("wörd"), fingerprint);
  assert.notEqual(fingerprintOf("word"), fingerprint);
  assert.notEqual(fingerprintWith(Buffer.alloc(32, 2))("wörd"), fingerprint);
});
