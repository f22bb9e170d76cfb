import assert from "node:assert/strict";
import { test } from "node:test";
import { supportedGroupsOf } from "./find-proxies.ts";

test("the hybrid group is supported by OpenSSL since 3.5, and by BoringSSL and AWS-LC", () => {
  for (const library of ["OpenSSL 3.0.22", "OpenSSL 1.1.1", "unknown"]) {
    assert.deepEqual(supportedGroupsOf(library), ["X25519"], library);
  }
  for (const library of ["OpenSSL 3.5.8", "OpenSSL 4.0.0", "BoringSSL fe703e9f", "AWS-LC 1.61"]) {
    assert.deepEqual(supportedGroupsOf(library), ["X25519MLKEM768", "X25519"], library);
  }
});
