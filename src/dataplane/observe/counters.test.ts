import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { SLOTS } from "#model/records/metric-catalog.ts";
import type { ListenerName } from "#model/names.ts";
import { HANDSHAKE_FAILURE_NAMES } from "#model/records/outcome.ts";
import { Counters, histogramSlots, slotOf, slotsByLabel } from "./counters.ts";

const NAME = "front.shop:443" as ListenerName;
const ACCEPTED = slotOf("tlsd_connections_accepted_total");
const OPEN = SLOTS.firstSlot.tlsd_connections_open;

const pairs = (changes: readonly number[] | undefined): Map<number, number> => {
  const found = new Map<number, number>();
  for (let at = 0; at < (changes?.length ?? 0); at += 2)
    found.set(changes?.[at] ?? -1, changes?.[at + 1] ?? 0);
  return found;
};

/** Takes the changes of all listeners. */
const take = (counters: Counters): Readonly<Record<string, readonly number[]>> =>
  counters.takeChanges(1_000) ?? {};

describe("counters", () => {
  it("returns what was added since the last call, and nothing if nothing was", () => {
    const counters = new Counters();
    counters.of(NAME, "tcp").add(ACCEPTED);
    counters.of(NAME, "tcp").add(ACCEPTED);
    assert.equal(pairs(take(counters)[NAME]).get(ACCEPTED), 2);
    assert.deepEqual(take(counters), {});
  });

  it("has one slot for each value of a label, and none for other values", () => {
    const failed = slotsByLabel("tlsd_handshakes_failed_total");
    assert.equal(new Set(Object.values(failed)).size, HANDSHAKE_FAILURE_NAMES.length - 1);
    // @ts-expect-error A typo does not compile.
    assert.equal(failed["no-such-cause"], undefined);
  });

  it("has no slot for metrics that the mode does not carry, and adds slots when the mode changes", () => {
    const counters = new Counters();
    const session = slotsByLabel("tlsd_handshakes_total").new;
    const redirect = counters.of(NAME, "redirect");
    redirect.add(ACCEPTED);
    // @ts-expect-error A stage that counts what its mode does not carry does not compile.
    redirect.add(session);
    assert.deepEqual([...pairs(take(counters)[NAME]).keys()], [ACCEPTED, OPEN]);
    redirect.add(ACCEPTED);
    const tcp = counters.of(NAME, "tcp");
    tcp.add(session);
    tcp.add(ACCEPTED);
    const found = pairs(take(counters)[NAME]);
    assert.deepEqual([found.get(ACCEPTED), found.get(session)], [2, 1]);
  });

  it("adds a duration to the first bucket whose bound it does not exceed, and to the sum", () => {
    const histogram = histogramSlots("tlsd_handshake_seconds");
    const counters = new Counters();
    counters.of(NAME, "tcp").observeMs(histogram, 1);
    counters.of(NAME, "tcp").observeMs(histogram, 3);
    counters.of(NAME, "tcp").observeMs(histogram, 60_000);
    const found = pairs(take(counters)[NAME]);
    assert.equal(found.get(histogram.first), 1);
    assert.equal(found.get(histogram.first + 2), 1);
    assert.equal(found.get(histogram.first + histogram.boundsSeconds.length), 1);
    assert.ok(Math.abs((found.get(histogram.sum) ?? 0) - 60.004) < 1e-9);
  });

  it("keeps a removed listener until its last connection has ended", () => {
    const counters = new Counters();
    counters.of(NAME, "tcp").addOpen(1);
    take(counters);
    counters.keepOnly(new Set());
    counters.of(NAME, "tcp").addOpen(-1);
    assert.equal(pairs(take(counters)[NAME]).get(OPEN), 0);
  });

  it("takes some listeners at a time, continues with the next ones and skips none", () => {
    const counters = new Counters();
    const names = Array.from({ length: 5 }, (_, at) => `front.shop:${at + 1}` as ListenerName);
    const countAll = (): void => {
      for (const name of names) counters.of(name, "tcp").add(ACCEPTED);
    };
    countAll();
    assert.deepEqual(Object.keys(counters.takeChanges(2) ?? {}), names.slice(0, 2));
    countAll();
    const second = counters.takeChanges(2) ?? {};
    assert.deepEqual(Object.keys(second), names.slice(2, 4));
    assert.equal(pairs(second[names[2] ?? NAME]).get(ACCEPTED), 2);
    assert.deepEqual(Object.keys(counters.takeChanges(2) ?? {}), names.slice(4));
    assert.deepEqual(Object.keys(counters.takeChanges(2) ?? {}), names.slice(0, 2));
  });

  it("keeps a removed listener until its counts were taken", () => {
    const counters = new Counters();
    counters.of(NAME, "tcp").add(ACCEPTED);
    counters.keepOnly(new Set());
    assert.equal(pairs(take(counters)[NAME]).get(ACCEPTED), 1);
  });
});
