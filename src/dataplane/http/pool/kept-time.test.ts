import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { KeptTime } from "./kept-time.ts";

const UNKNOWN = Number.POSITIVE_INFINITY;

/** Has connections closed one after the other at these ages, a second apart. Returns the time of the last. */
function closeAfter(kept: KeptTime, ...ages: readonly number[]): number {
  ages.forEach((age, at) => kept.closedAfter(age, 1_000 * at));
  return 1_000 * (ages.length - 1);
}

describe("KeptTime", () => {
  it("learns a time from three closes at about the same age", () => {
    const kept = new KeptTime();
    const nowMs = closeAfter(kept, 5_010, 5_000);
    assert.equal(kept.safeMs(nowMs), UNKNOWN);
    kept.closedAfter(5_002, nowMs);
    assert.equal(kept.safeMs(nowMs), 2_500);
  });

  it("learns nothing from closes at different ages, as of an endpoint that restarts", () => {
    const kept = new KeptTime();
    assert.equal(kept.safeMs(closeAfter(kept, 0, 100, 3_000, 40, 900, 10)), UNKNOWN);
  });

  it("learns nothing from one close after another if others serve at a higher age", () => {
    const kept = new KeptTime();
    for (let at = 0; at < 100; at += 1) {
      kept.closedAfter(1, at);
      kept.servedAfter(2);
    }
    assert.equal(kept.safeMs(100), UNKNOWN);
    kept.closedAfter(0, 100);
    assert.equal(kept.safeMs(100), UNKNOWN);
  });

  it("keeps what it knows if connections serve at a lower age", () => {
    const kept = new KeptTime();
    for (let at = 0; at < 3; at += 1) {
      kept.closedAfter(50, at);
      kept.servedAfter(20);
    }
    assert.equal(kept.safeMs(3), 25);
  });

  it("tries twice the time after a minute, and a short time is forgotten after a second", () => {
    const long = new KeptTime();
    const lastMs = closeAfter(long, 100, 100, 100);
    assert.equal(long.safeMs(lastMs + 59_999), 50);
    assert.equal(long.safeMs(lastMs + 60_000), 100);
    assert.equal(long.safeMs(lastMs + 120_000), 200);
    for (const age of [0, 1, 39]) {
      const short = new KeptTime();
      const last = closeAfter(short, age, age, age);
      assert.equal(short.safeMs(last + 999), age / 2);
      assert.equal(short.safeMs(last + 1_000), UNKNOWN);
    }
  });

  it("takes a single close into account for requests that cannot be sent again, for ten seconds", () => {
    const kept = new KeptTime();
    assert.equal(kept.cautiousMs(0), UNKNOWN);
    const nowMs = closeAfter(kept, 50);
    assert.deepEqual([kept.safeMs(nowMs), kept.cautiousMs(nowMs)], [UNKNOWN, 25]);
    assert.equal(kept.cautiousMs(nowMs + 10_000), UNKNOWN);
  });

  it("gives a time up that a connection has outlived", () => {
    const kept = new KeptTime();
    const nowMs = closeAfter(kept, 100, 100, 100);
    kept.servedAfter(100);
    assert.equal(kept.safeMs(nowMs), UNKNOWN);
  });
});
