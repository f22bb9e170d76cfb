import assert from "node:assert/strict";
import { test } from "node:test";
import { KeptBytes } from "./kept-bytes.ts";
import { LentBuffers } from "./lent-buffers.ts";

const sent = Buffer.from(Array.from({ length: 70_000 }, (_, at) => at % 251));

/** Takes the runs out, at most so many bytes at a time. */
function takeAll(kept: KeptBytes, most = Number.POSITIVE_INFINITY): Buffer[] {
  const runs: Buffer[] = [];
  for (let { first } = kept; first !== undefined; { first } = kept) {
    const end = Math.min(first.end, first.start + most);
    runs.push(Buffer.from(first.bytes.subarray(first.start, end)));
    kept.drop(end - first.start);
  }
  return runs;
}

test("bytes that wait come out in their order, and short runs are joined", () => {
  const kept = new KeptBytes(new LentBuffers());
  for (let at = 0; at < 40_000; at += 1) kept.append(sent, at, at + 1);
  kept.append(sent, 40_000, sent.length);
  assert.equal(kept.length, sent.length);
  const runs = takeAll(kept);
  assert.equal(runs.length, 6);
  assert.deepEqual(Buffer.concat(runs), sent);
  assert.equal(kept.length, 0);
  kept.append(sent, 0, sent.length);
  assert.deepEqual(Buffer.concat(takeAll(kept, 1_000)), sent);
  kept.append(sent, 0, 9);
  kept.clear();
  assert.deepEqual([kept.length, kept.first], [0, undefined]);
});

test("a buffer that was given back is lent again", () => {
  const buffers = new LentBuffers();
  const taken = [1, 4_096, 4_097, 16_384, 16_385, 32_769].map((bytes) => buffers.take(bytes));
  assert.deepEqual(
    taken.map(({ length }) => length),
    [4_096, 4_096, 16_384, 16_384, 32_768, 131_072],
  );
  for (const buffer of taken) buffers.give(buffer);
  buffers.give(Buffer.alloc(1_024));
  assert.equal(buffers.take(9_000), taken[3]);
  assert.equal(buffers.take(9_000), taken[2]);
  assert.ok(!taken.includes(buffers.take(9_000)));
  assert.equal(buffers.take(100_000), taken[5]);
});
