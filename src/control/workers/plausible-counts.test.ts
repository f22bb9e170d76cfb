import assert from "node:assert/strict";
import { test } from "node:test";
import { LISTENER_METRICS, SLOTS, slotCountOf } from "#model/records/metric-catalog.ts";
import { PlausibleCounts } from "./plausible-counts.ts";

const { firstSlot } = SLOTS;
const ACCEPTED = firstSlot.tlsd_connections_accepted_total;
const OPEN = firstSlot.tlsd_connections_open;
const BYTES = firstSlot.tlsd_bytes_to_clients_total;
const SECONDS = firstSlot.tlsd_connection_seconds;
const SECONDS_SUM = SECONDS + slotCountOf(metricOf("tlsd_connection_seconds")) - 1;
/** The bucket of what took longer than any bound. */
const SECONDS_LONG = SECONDS_SUM - 1;
const MAX_OPEN = 1_000;
const EVERY_SLOT = Array.from({ length: SLOTS.size }, () => true);

function metricOf(name: string) {
  const metric = LISTENER_METRICS.find((candidate) => candidate.name === name);
  assert.ok(metric !== undefined);
  return metric;
}

/** A worker that is an hour old, whose last message came a second ago. */
function anHourOld() {
  let nowMs = 0;
  const counts = new PlausibleCounts(() => nowMs);
  nowMs = 3_599_000;
  counts.passTime();
  const wait = (ms: number): void => {
    nowMs += ms;
    counts.passTime();
  };
  wait(1_000);
  const take = (...pairs: readonly number[]): string | undefined =>
    counts.objectionTo(pairs, MAX_OPEN, EVERY_SLOT);
  return { take, wait, counts };
}

test("what a busy worker counts in a second is possible", () => {
  const { take, wait } = anHourOld();
  for (let second = 0; second < 600; second += 1) {
    const connections = [ACCEPTED, 30_000, OPEN, MAX_OPEN, BYTES, 2_500_000_000];
    assert.equal(take(...connections, SECONDS, 30_000, SECONDS_SUM, 300), undefined);
    wait(1_000);
  }
});

test("a connection as old as the worker is possible, with what it carried in that time", () => {
  const { take } = anHourOld();
  assert.equal(take(BYTES, 3_600 * 2e9, SECONDS_LONG, 1, SECONDS_SUM, 3_599.5), undefined);
});

test("what was counted while this process was stopped is possible", () => {
  const { take, wait } = anHourOld();
  wait(600_000);
  assert.equal(take(ACCEPTED, 600 * 30_000), undefined);
});

for (const [what, ...pairs] of [
  ["a number of connections that no machine accepts", ACCEPTED, 1e7],
  ["1e308", ACCEPTED, 1e308],
  ["infinity", ACCEPTED, Infinity],
  ["no number", ACCEPTED, Number.NaN],
  ["a negative number", ACCEPTED, -1],
  ["a part of a connection", ACCEPTED, 1.5],
  ["a number that is not exact", BYTES, 2 ** 53],
  ["more bytes than a worker's life has time for", BYTES, 1e14],
  ["a negative number of bytes", BYTES, -5],
  ["more connections than the worker may have", OPEN, MAX_OPEN + 1],
  ["a part of an open connection", OPEN, 0.5],
  ["a negative gauge", OPEN, -1],
  ["a connection older than the worker", SECONDS_LONG, 1, SECONDS_SUM, 4_000],
  ["more time than the bucket has", SECONDS, 10, SECONDS_SUM, 1],
  ["time without a connection", SECONDS_SUM, 1],
  ["negative time", SECONDS_LONG, 1, SECONDS_SUM, -1],
  ["a slot that is none", SLOTS.size, 1],
  ["a negative slot", -1, 1],
  ["half a slot", 0.5, 1],
  ["a slot without an amount", ACCEPTED],
] as const) {
  test(`${what} is not possible`, () => {
    assert.notEqual(anHourOld().take(...pairs), undefined);
  });
}

test("a slot that the listener does not carry is not possible", () => {
  const { counts } = anHourOld();
  const carried = EVERY_SLOT.map((_, slot) => slot !== ACCEPTED);
  assert.equal(counts.objectionTo([ACCEPTED, 1], MAX_OPEN, carried), `slot ${ACCEPTED}`);
  assert.equal(counts.objectionTo([BYTES, 1], MAX_OPEN, carried), undefined);
});

test("a slot that is named again and again adds up", () => {
  const pairs = Array.from({ length: 100 }, () => [ACCEPTED, 30_000]).flat();
  assert.notEqual(anHourOld().take(...pairs), undefined);
});

test("small amounts without an end add up", () => {
  const { take, wait } = anHourOld();
  let taken = 0;
  while (taken < 1_000 && take(ACCEPTED, 100_000) === undefined) {
    taken += 1;
    wait(1);
  }
  assert.ok(taken <= 3, `${taken}`);
});

test("records are not dropped faster than there can be connections", () => {
  const { counts } = anHourOld();
  assert.ok(counts.canHaveDropped(100_000));
  assert.ok(!counts.canHaveDropped(1e9));
});
