import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { CertificateVersion } from "../certificates/sources.ts";
import {
  previousOf,
  withActive,
  withoutVersion,
  withRequest,
  withVersion,
} from "./plan-versions.ts";
import { activeOf, type CertificateRecord } from "./version-record.ts";

const NO_VERSIONS: CertificateRecord = { nextVersion: 1, versions: [] };

const by = { origin: "socket" } as const;
const noon = Date.parse("2027-01-01T12:00:00.000Z");
const timeAt = (minutes: number): string => new Date(noon + minutes * 60_000).toISOString();
const originAt = (minutes: number) => ({ by, at: timeAt(minutes), from: "shop.pem" });

/** What a reader has read; only what the plan uses. */
const read = (key: string): CertificateVersion =>
  ({
    id: `material of ${key}`,
    facts: { spkiPin: `sha256/${key}` },
    material: { chainPem: `chain of ${key}` },
  }) as unknown as CertificateVersion;

/** Adds a version for a key and makes it active. */
function rotated(record: CertificateRecord, key: string, minutes: number): CertificateRecord {
  const { record: staged, version } = withVersion(record, read(key), originAt(minutes), {});
  return withActive(staged, version.id, timeAt(minutes));
}

const statesOf = ({ versions }: CertificateRecord): readonly string[] =>
  versions.map(({ id, state }) => `${id} ${state}`);
const idsOf = (versions: readonly { readonly id: string }[]): string =>
  versions.map(({ id }) => id).join(" ");

describe("the versions of a certificate", () => {
  it("are staged, active and previous, and no number is used twice", () => {
    const first = rotated(NO_VERSIONS, "a", 0);
    assert.deepEqual(statesOf(first), ["1 active"]);
    const staged = withVersion(first, read("b"), originAt(1), { activatesItself: true });
    assert.deepEqual(statesOf(staged.record), ["1 active", "2 staged"]);
    assert.equal(staged.version.spki, "b");
    const without = withoutVersion(staged.record, "2");
    const second = rotated(without, "c", 2);
    assert.deepEqual(statesOf(second), ["1 previous", "3 active"]);
    assert.equal(activeOf(second)?.activeFrom, timeAt(2));
    assert.deepEqual(
      previousOf(second).map(({ activeUntil }) => activeUntil),
      [timeAt(2)],
    );
  });

  it("lose what was allowed for a version when it is active", () => {
    const terms = { activatesItself: true, allowed: ["fewer-names"] };
    const { record, version } = withVersion(NO_VERSIONS, read("a"), originAt(0), terms);
    const [active] = withActive(record, version.id, timeAt(1)).versions;
    assert.ok(active !== undefined && !("activatesItself" in active) && !("allowed" in active));
  });

  it("complete a request with the version of its number, if the key is that of the request", () => {
    const request = { request: "csr", spki: "a" };
    const asked = withRequest(NO_VERSIONS, request, originAt(0));
    assert.deepEqual(statesOf(asked.record), ["1 pending"]);
    assert.deepEqual(statesOf(rotated(asked.record, "a", 1)), ["1 active"]);
    assert.deepEqual(statesOf(rotated(asked.record, "b", 1)), ["1 pending", "2 active"]);
    const again = withRequest(asked.record, { ...request, spki: "c" }, originAt(1));
    assert.deepEqual(statesOf(again.record), ["2 pending"]);
  });

  it("keep ten that were active before, the latest first", () => {
    let record: CertificateRecord = NO_VERSIONS;
    for (let at = 0; at < 14; at += 1) record = rotated(record, `key ${at}`, at);
    assert.equal(idsOf(previousOf(record)), "13 12 11 10 9 8 7 6 5 4");
    assert.equal(activeOf(record)?.id, "14");
  });

  it("go back and forth by the order of the changes, also if the clock was set back between them", () => {
    let record = rotated(NO_VERSIONS, "a", 0);
    record = rotated(record, "b", 60);
    record = rotated(record, "c", -600);
    assert.equal(idsOf(previousOf(record)), "2 1");
    record = withActive(record, "2", timeAt(-599));
    assert.equal(idsOf(previousOf(record)), "3 1");
    record = withActive(record, "1", timeAt(-598));
    assert.equal(idsOf(previousOf(record)), "2 3");
    const times = previousOf(record).map(({ activeUntil }) => activeUntil ?? "");
    assert.deepEqual(times, times.toSorted().toReversed());
  });

  it("have the time of the change if the clock is right", () => {
    const record = rotated(rotated(NO_VERSIONS, "a", 0), "b", 5);
    assert.equal(activeOf(record)?.activeFrom, timeAt(5));
  });
});
