import assert from "node:assert/strict";
import { test } from "node:test";
import { KeptBytes } from "./kept-bytes.ts";

test("bytes that wait come out in their order, and short runs are joined", () => {
  const kept = new KeptBytes();
  const sent = Buffer.from(Array.from({ length: 70_000 }, (_, at) => at % 251));
  for (let at = 0; at < 40_000; at += 1) kept.append(sent, at, at + 1);
  kept.append(sent, 40_000, sent.length);
  assert.equal(kept.length, sent.length);
  const blocks: Buffer[] = [];
  for (let block = kept.takeBlock(); block !== undefined; block = kept.takeBlock())
    blocks.push(block);
  assert.equal(blocks.length, 6);
  assert.deepEqual(Buffer.concat(blocks), sent);
  assert.equal(kept.length, 0);
  kept.append(sent, 0, 9);
  kept.clear();
  assert.deepEqual([kept.length, kept.takeBlock()], [0, undefined]);
});
