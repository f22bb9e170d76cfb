import assert from "node:assert/strict";
import { test } from "node:test";
import { offeredGroupsOf } from "./offered-groups.ts";

test("OpenSSL has the hybrid group from 3.5, BoringSSL and AWS-LC have it", () => {
  for (const library of ["OpenSSL 3.0.22", "OpenSSL 1.1.1", "unknown"]) {
    assert.deepEqual(offeredGroupsOf(library), ["X25519"], library);
  }
  for (const library of ["OpenSSL 3.5.8", "OpenSSL 4.0.0", "BoringSSL fe703e9f", "AWS-LC 1.61"]) {
    assert.deepEqual(offeredGroupsOf(library), ["X25519MLKEM768", "X25519"], library);
  }
});
