import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { RateBucket } from "./rate-bucket.ts";

const takes = (bucket: RateBucket, count: number, nowMs: number): number =>
  Array.from({ length: count }, () => bucket.tryTake(nowMs)).filter(Boolean).length;

describe("rate bucket", () => {
  it("allows a burst of one second of the rate, then no more than the rate", () => {
    const bucket = new RateBucket(10, 0);
    assert.equal(takes(bucket, 100, 0), 10);
    assert.equal(takes(bucket, 100, 500), 5);
    assert.equal(takes(bucket, 100, 60_000), 10);
  });

  it("takes back tokens, and never holds more than a second of the rate", () => {
    const bucket = new RateBucket(10, 0);
    assert.equal(takes(bucket, 100, 0), 10);
    bucket.giveBack();
    assert.equal(takes(bucket, 100, 0), 1);
    for (let time = 0; time < 20; time += 1) bucket.giveBack();
    assert.equal(takes(bucket, 100, 0), 10);
  });

  it("keeps the tokens that were taken when the rate changes", () => {
    const bucket = new RateBucket(10, 0);
    assert.equal(takes(bucket, 8, 0), 8);
    bucket.setRate(100);
    assert.equal(takes(bucket, 100, 0), 2);
  });
});
