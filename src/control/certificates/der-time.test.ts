import assert from "node:assert/strict";
import { test } from "node:test";
import { TAG } from "./der-reader.ts";
import { tryTimeMs } from "./der-time.ts";

const timeOf = (tag: number, text: string): string | undefined => {
  const contents = Buffer.from(text);
  const timeMs = tryTimeMs({ tag, contents, bytes: contents });
  return timeMs === undefined ? undefined : new Date(timeMs).toISOString();
};

test("reads the times of RFC 5280", () => {
  const { utcTime, generalizedTime } = TAG;
  assert.equal(timeOf(utcTime, "491231235959Z"), "2049-12-31T23:59:59.000Z");
  assert.equal(timeOf(utcTime, "500101000000Z"), "1950-01-01T00:00:00.000Z");
  assert.equal(timeOf(generalizedTime, "99991231235959Z"), "9999-12-31T23:59:59.000Z");
  assert.equal(timeOf(generalizedTime, "00000101000000Z"), "0000-01-01T00:00:00.000Z");
});

test("refuses dates that do not exist and all other formats", () => {
  for (const text of ["401331000000Z", "400231000000Z", "400101240000Z", "400101006000Z"]) {
    assert.equal(timeOf(TAG.utcTime, text), undefined, text);
  }
  for (const text of [
    "4001010000Z",
    "400101000000+0100",
    "",
    "x".repeat(100_000),
    "20400101000000Z",
  ]) {
    assert.equal(timeOf(TAG.utcTime, text), undefined);
  }
});
