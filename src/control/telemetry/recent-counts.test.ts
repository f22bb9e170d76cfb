import assert from "node:assert/strict";
import { test } from "node:test";
import { SLOTS } from "#model/records/metric-catalog.ts";
import { RecentCounts } from "./recent-counts.ts";

const { firstSlot } = SLOTS;

test("rates are the mean of ten seconds, and of the time since the start before that", () => {
  let nowMs = 1_000_000;
  const counts = new RecentCounts(() => nowMs);
  const tick = (): void => {
    counts.add("front.shop", [firstSlot.tlsd_connections_accepted_total, 20]);
    counts.add("front.shop", [
      firstSlot.tlsd_handshakes_total,
      5,
      firstSlot.tlsd_handshakes_total + 1,
      5,
    ]);
    counts.add("front.shop", [
      firstSlot.tlsd_bytes_to_clients_total,
      1_000,
      firstSlot.tlsd_connections_open,
      9,
    ]);
  };
  tick();
  const full = { connections: 20, handshakes: 10, bytesFromClients: 0, bytesToClients: 1_000 };
  assert.deepEqual(counts.of("front.shop"), full);
  for (let second = 0; second < 30; second += 1) {
    nowMs += 1_000;
    tick();
  }
  assert.deepEqual(counts.of("front.shop"), full);
  nowMs += 5_000;
  assert.equal(counts.of("front.shop").connections, 10);
  nowMs += 60_000;
  assert.equal(counts.of("front.shop").connections, 0);
  assert.equal(counts.of("back.shop").connections, 0);
});
