import assert from "node:assert/strict";
import { test } from "node:test";
import { crc32c } from "./crc32c.ts";

test("the check value of CRC-32C is right", () => {
  assert.equal(crc32c(Buffer.from("123456789")), 0xe3069283);
});

test("the test vectors of RFC 3720 appendix B.4 are right", () => {
  const ascending = Uint8Array.from({ length: 32 }, (_, index) => index);
  assert.equal(crc32c(new Uint8Array(32)), 0x8a9136aa);
  assert.equal(crc32c(new Uint8Array(32).fill(0xff)), 0x62a8ab43);
  assert.equal(crc32c(ascending), 0x46dd794e);
  assert.equal(crc32c(ascending.toReversed()), 0x113fdb5c);
  assert.equal(crc32c(new Uint8Array(0)), 0);
});

test("a checksum can be computed in parts", () => {
  const bytes = Buffer.from("The checksum of a header is that of its parts.");
  for (let at = 0; at <= bytes.length; at += 1) {
    assert.equal(crc32c(bytes.subarray(at), crc32c(bytes.subarray(0, at))), crc32c(bytes));
  }
});
