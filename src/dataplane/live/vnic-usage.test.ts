import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { VnicName } from "#model/names.ts";
import type { SnapshotVnic } from "#model/records/snapshot.ts";
import { VnicUsage } from "./vnic-usage.ts";

const limits = (change: Partial<SnapshotVnic>): SnapshotVnic => ({
  name: "front.shop" as VnicName,
  maxConnections: undefined,
  handshakesPerSecond: undefined,
  handshakesPerSecondPerAddress: undefined,
  ...change,
});

describe("vNIC usage", () => {
  it("refuses a connection above the limit, and accepts one again after another was released", () => {
    const usage = new VnicUsage(limits({ maxConnections: 2 }));
    assert.equal(usage.tryAdmit(0), undefined);
    assert.equal(usage.tryAdmit(0), undefined);
    assert.equal(usage.tryAdmit(0), "vnic-connections");
    usage.release();
    assert.equal(usage.tryAdmit(0), undefined);
  });

  it("keeps its count when the limits change", () => {
    const usage = new VnicUsage(limits({}));
    usage.tryAdmit(0);
    usage.setLimits(limits({ maxConnections: 1 }));
    assert.equal(usage.tryAdmit(0), "vnic-connections");
  });

  it("keeps what an address has used when its rate changes", () => {
    const usage = new VnicUsage(limits({ handshakesPerSecondPerAddress: 2 }));
    for (const isWithin of [true, true, false])
      assert.equal(usage.tryTakeHandshake("192.0.2.1", 0), isWithin);
    usage.setLimits(limits({ handshakesPerSecondPerAddress: 100 }));
    assert.equal(usage.tryTakeHandshake("192.0.2.1", 0), false);
    assert.equal(usage.tryTakeHandshake("192.0.2.1", 10), true);
    usage.setLimits(limits({}));
    assert.equal(usage.tryTakeHandshake("192.0.2.1", 10), true);
  });

  it("does not count an address above its rate against the rate of the vNIC", () => {
    const usage = new VnicUsage(limits({ handshakesPerSecond: 1 }));
    for (let time = 0; time < 3; time += 1) {
      assert.equal(usage.tryAdmit(0), undefined);
      usage.giveHandshakeBack();
    }
    assert.equal(usage.tryAdmit(0), undefined);
    assert.equal(usage.tryAdmit(0), "vnic-handshake-rate");
  });

  it("counts the clients of one IPv6 /64 as one address, and others separately", () => {
    const usage = new VnicUsage(limits({ handshakesPerSecondPerAddress: 1 }));
    assert.equal(usage.tryTakeHandshake("2001:db8::1", 0), true);
    assert.equal(usage.tryTakeHandshake("2001:db8::2", 0), false);
    assert.equal(usage.tryTakeHandshake("2001:db8:0:1::1", 0), true);
    assert.equal(usage.tryTakeHandshake("192.0.2.1", 0), true);
    assert.equal(usage.tryTakeHandshake("192.0.2.2", 0), true);
    assert.equal(usage.tryTakeHandshake("192.0.2.1", 0), false);
    assert.equal(usage.tryTakeHandshake("192.0.2.1", 1_000), true);
  });

  it("remembers a limited number of addresses, and keeps an address that is used again", () => {
    const usage = new VnicUsage(limits({ handshakesPerSecondPerAddress: 1 }));
    usage.tryTakeHandshake("198.51.100.1", 0);
    for (let at = 0; at < 70_000; at += 1) {
      usage.tryTakeHandshake(`10.${at >> 16}.${(at >> 8) & 255}.${at & 255}`, 0);
      if (at % 10_000 === 0) assert.equal(usage.tryTakeHandshake("198.51.100.1", 0), false);
    }
  });
});
