import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { OpeningMemory, type Opening } from "./opening-memory.ts";

const KIB = 1_024;
const opening = (name: string, shed: string[]): Opening => ({
  openingBytes: 0,
  shed: () => shed.push(name),
});

describe("opening memory", () => {
  it("closes the connection that started first, however often it has grown, and no more connections than necessary", () => {
    const shed: string[] = [];
    const memory = new OpeningMemory(100 * KIB);
    const [first, second, third] = [
      opening("first", shed),
      opening("second", shed),
      opening("third", shed),
    ];
    memory.hold(first, 10 * KIB);
    memory.hold(second, 40 * KIB);
    memory.hold(first, 20 * KIB);
    memory.hold(first, 60 * KIB);
    assert.deepEqual([shed, memory.heldBytes], [[], 100 * KIB]);
    memory.hold(third, 5 * KIB);
    assert.deepEqual([shed, memory.heldBytes], [["first"], 45 * KIB]);
  });

  it("does not count small amounts, and forgets a connection whose handshake is done", () => {
    const shed: string[] = [];
    const memory = new OpeningMemory(100 * KIB);
    const [small, large] = [opening("small", shed), opening("large", shed)];
    memory.hold(small, 4 * KIB);
    assert.equal(memory.heldBytes, 0);
    memory.hold(large, 60 * KIB);
    memory.release(large);
    memory.release(small);
    assert.equal(memory.heldBytes, 0);
    memory.hold(large, 100 * KIB);
    assert.deepEqual(shed, []);
  });
});
