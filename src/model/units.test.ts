import assert from "node:assert/strict";
import { test } from "node:test";
import { ageSecondsOf, durationMsOf, rateOf, sizeBytesOf, tryDeadlineMs } from "./units.ts";

test("durations, ages, sizes and rates carry units", () => {
  assert.deepEqual(["0s", "500ms", "10s", "5m", "12h"].map(durationMsOf), [
    ...[0, 500, 10_000, 300_000, 43_200_000],
  ]);
  assert.deepEqual(["0s", "5m", "12h", "365d"].map(ageSecondsOf), [0, 300, 43_200, 31_536_000]);
  for (const text of ["365", "500ms", "1y", ""]) assert.throws(() => ageSecondsOf(text), TypeError);
  assert.deepEqual(["64KiB", "512MiB", "2GiB"].map(sizeBytesOf), [65_536, 536_870_912, 2 ** 31]);
  assert.deepEqual(rateOf("100m_1g"), { committedBps: 100_000_000, peakBps: 1_000_000_000 });
  for (const text of ["10", "10d", "", "ten s"]) assert.throws(() => durationMsOf(text), TypeError);
});

test("a duration that is too long for a timer is limited to the maximum", () => {
  const longest = durationMsOf("999999999h");
  assert.ok(longest > 20 * 24 * 3_600_000);
  // A deadline can be slightly longer than the duration.
  assert.ok(longest + 3_600_000 < 2 ** 31);
});

test("a deadline for open connections is 0, or a duration of at most 24 hours", () => {
  const given = ["0", "0s", "30s", "500ms", "24h", "1440m"].map(tryDeadlineMs);
  assert.deepEqual(given, [0, 0, 30_000, 500, 86_400_000, 86_400_000]);
  for (const text of ["", "1", "-1s", "1.5s", "030s", "25h", "86401s", "1d", " 1s", "999999999h"]) {
    assert.equal(tryDeadlineMs(text), undefined, text);
  }
});
