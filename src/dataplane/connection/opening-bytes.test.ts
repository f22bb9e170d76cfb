import assert from "node:assert/strict";
import { test } from "node:test";
import { OpeningBytes } from "./opening-bytes.ts";

test("collects chunks in order, whether or not they are lent", () => {
  for (const isLent of [false, true]) {
    const opening = new OpeningBytes(Buffer.from("a"));
    const lent = Buffer.from("bc");
    assert.equal(opening.add(lent, isLent).toString(), "abc");
    lent.fill("x");
    assert.equal(opening.add(Buffer.from("d"), isLent).toString(), "abcd");
  }
});

test("copies a chunk that is lent", () => {
  const opening = new OpeningBytes();
  const lent = Buffer.from("ab");
  const whole = opening.add(lent, true);
  lent.fill("x");
  assert.equal(whole.toString(), "ab");
});

test("keeps a first chunk that is not lent without a copy, and never writes into it", () => {
  const shared = Buffer.from("abcdef");
  const chunk = shared.subarray(0, 3);
  const opening = new OpeningBytes();
  assert.equal(opening.add(chunk, false).buffer, chunk.buffer);
  assert.equal(opening.add(Buffer.from("XYZ"), false).toString(), "abcXYZ");
  assert.equal(shared.toString(), "abcdef");
});

test("copies each byte only a few times if every chunk is one byte", () => {
  const opening = new OpeningBytes();
  const places = new Set<number>();
  const byte = Buffer.from("x");
  for (let count = 1; count <= 65_536; count += 1) {
    const whole = opening.add(byte, false);
    if (whole.length !== count) assert.equal(whole.length, count);
    if (count > 8_192) places.add(whole.byteLength > 0 ? capacityOf(whole) : 0);
  }
  assert.ok(places.size <= 8, `${places.size} buffers for the bytes after the first 8 KiB`);
});

/** Buffers of this size are not allocated from Node's shared pool. */
const capacityOf = (bytes: Buffer): number => bytes.buffer.byteLength;
