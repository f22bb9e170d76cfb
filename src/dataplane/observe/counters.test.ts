import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { SLOTS } from "#model/metric-catalog.ts";
import type { ListenerName } from "#model/names.ts";
import { Counters, histogramSlots } from "./counters.ts";

const NAME = "front.shop:443" as ListenerName;
const ACCEPTED = SLOTS.firstSlot.tlsd_connections_accepted_total;
const OPEN = SLOTS.firstSlot.tlsd_connections_open;

const pairs = (changes: readonly number[] | undefined): Map<number, number> => {
  const found = new Map<number, number>();
  for (let at = 0; at < (changes?.length ?? 0); at += 2)
    found.set(changes?.[at] ?? -1, changes?.[at + 1] ?? 0);
  return found;
};

describe("counters", () => {
  it("tells what was added since it was last asked, and nothing when nothing was", () => {
    const counters = new Counters();
    counters.of(NAME).add(ACCEPTED);
    counters.of(NAME).add(ACCEPTED);
    assert.equal(pairs(counters.takeChanges()[NAME]).get(ACCEPTED), 2);
    assert.deepEqual(counters.takeChanges(), {});
  });

  it("puts a duration into the bucket whose bound it does not pass, and into the sum", () => {
    const histogram = histogramSlots("tlsd_handshake_seconds");
    const counters = new Counters();
    counters.of(NAME).observeMs(histogram, 1);
    counters.of(NAME).observeMs(histogram, 3);
    counters.of(NAME).observeMs(histogram, 60_000);
    const found = pairs(counters.takeChanges()[NAME]);
    assert.equal(found.get(histogram.first), 1);
    assert.equal(found.get(histogram.first + 2), 1);
    assert.equal(found.get(histogram.first + histogram.boundsSeconds.length), 1);
    assert.ok(Math.abs((found.get(histogram.sum) ?? 0) - 60.004) < 1e-9);
  });

  it("keeps a listener that is gone until its last connection is", () => {
    const counters = new Counters();
    counters.of(NAME).addOpen(1);
    counters.takeChanges();
    counters.keepOnly(new Set());
    counters.of(NAME).addOpen(-1);
    assert.equal(pairs(counters.takeChanges()[NAME]).get(OPEN), 0);
  });
});
