import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { RelayMemory, type Congested } from "./relay-memory.ts";

const side = (name: string, shed: string[]): Congested => ({ shed: () => shed.push(name) });

describe("relay memory", () => {
  it("closes the connection that has been stuck longest, and no more connections than necessary", () => {
    const shed: string[] = [];
    const memory = new RelayMemory();
    memory.limitBytes = 250;
    const [first, second, third] = [side("first", shed), side("second", shed), side("third", shed)];
    memory.hold(first, 100);
    memory.hold(second, 100);
    assert.deepEqual(shed, []);
    memory.hold(third, 100);
    assert.deepEqual(shed, ["first"]);
    assert.equal(memory.heldBytes, 200);
  });

  it("lets a side keep its place when it holds more or less", () => {
    const shed: string[] = [];
    const memory = new RelayMemory();
    memory.limitBytes = 250;
    const [stuck, slow] = [side("stuck", shed), side("slow", shed)];
    memory.hold(stuck, 100);
    memory.hold(slow, 100);
    memory.hold(stuck, 90);
    assert.equal(memory.heldBytes, 190);
    memory.hold(side("new", shed), 100);
    assert.deepEqual(shed, ["stuck"]);
  });

  it("treats a side that drains and gets stuck again as the newest", () => {
    const shed: string[] = [];
    const memory = new RelayMemory();
    memory.limitBytes = 250;
    const [slow, stuck] = [side("slow", shed), side("stuck", shed)];
    memory.hold(slow, 100);
    memory.hold(stuck, 100);
    memory.release(slow);
    memory.hold(slow, 200);
    assert.deepEqual(shed, ["stuck"]);
  });
});
