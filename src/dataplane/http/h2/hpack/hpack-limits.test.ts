import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { CollectingSink, decodeBlock, stringOf, tableOf } from "#harness/field-blocks.ts";
import { HpackDecoder, MAX_BLOCK_BYTES, MAX_FIELD_SECTION_BYTES } from "./hpack-decoder.ts";

const MAX_TABLE_BYTES = 4_096;
const addOf = (name: string, value: string): Buffer =>
  Buffer.concat([Buffer.from([0x40]), stringOf(name), stringOf(value)]);
const repeated = (byte: number, count: number): Buffer => Buffer.alloc(count, byte);

/** Returns how often a byte of the block is read on average. */
function readsPerByte(block: Buffer, result: string): number {
  let reads = 0;
  const counted = new Proxy(block, {
    get: (target, key): unknown => {
      if (typeof key === "string" && key >= "0" && key < ":") reads += 1;
      const value: unknown = Reflect.get(target, key, target);
      return typeof value === "function" ? value.bind(target) : value;
    },
  });
  const decoder = new HpackDecoder(MAX_TABLE_BYTES);
  assert.equal(decoder.decode(counted, 0, block.length, new CollectingSink()), result);
  return reads / block.length;
}

describe("the limits of a field block", () => {
  it("are 105 fields, and the table stays right after them", () => {
    const decoder = new HpackDecoder(MAX_TABLE_BYTES);
    assert.equal(decodeBlock(decoder, repeated(0x82, 105)).result, "whole");
    const { result, lines } = decodeBlock(
      decoder,
      Buffer.concat([repeated(0x82, 106), addOf("a", "b"), repeated(0xbe, 9), addOf("c", "d")]),
    );
    assert.equal(result, "cut");
    assert.equal(lines.length, 105);
    assert.deepEqual(tableOf(decoder), ["c: d", "a: b"]);
  });

  it("are 64 KiB of names, values and 32 for each field", () => {
    const fieldOf = (length: number): Buffer =>
      Buffer.concat([Buffer.from([0]), stringOf("a"), stringOf("b".repeat(length))]);
    const first = fieldOf(30_000 - 33);
    const rest = MAX_FIELD_SECTION_BYTES - 30_000 - 33;
    const decoder = new HpackDecoder(MAX_TABLE_BYTES);
    const whole = decodeBlock(decoder, Buffer.concat([first, fieldOf(rest)]));
    assert.deepEqual([whole.result, whole.lines.length], ["whole", 2]);
    const cut = decodeBlock(
      decoder,
      Buffer.concat([first, fieldOf(rest + 1), first.subarray(0, 9)]),
    );
    assert.equal(cut.result, "compression-error");
    const dropped = decodeBlock(
      decoder,
      Buffer.concat([first, fieldOf(rest + 1), addOf("c", "d")]),
    );
    assert.deepEqual([dropped.result, dropped.lines.length], ["cut", 1]);
    assert.deepEqual(tableOf(decoder), ["c: d"]);
  });

  it("are 64 KiB as it was sent", () => {
    const decoder = new HpackDecoder(MAX_TABLE_BYTES);
    assert.equal(decodeBlock(decoder, repeated(0x82, MAX_BLOCK_BYTES)).result, "cut");
    assert.equal(decodeBlock(decoder, repeated(0x82, MAX_BLOCK_BYTES + 1)).result, "flood");
  });

  it("hold for references to a large entry, which are not copied any more", () => {
    const decoder = new HpackDecoder(MAX_TABLE_BYTES);
    const block = Buffer.concat([addOf("a", "b".repeat(4_000)), repeated(0xbe, 60_000)]);
    const { result, lines } = decodeBlock(decoder, block);
    assert.deepEqual([result, lines.length], ["cut", 16]);
    assert.equal(tableOf(decoder).length, 1);
  });

  it("hold for references to entries that are nearly empty", () => {
    const decoder = new HpackDecoder(MAX_TABLE_BYTES);
    const { result, lines } = decodeBlock(
      decoder,
      Buffer.concat([addOf("a", ""), repeated(0xbe, 60_000)]),
    );
    assert.deepEqual([result, lines.length], ["cut", 105]);
  });

  it("stop a block that copies a long name again and again", () => {
    for (const literal of ["7e00", "0f2f00", "1f2f00"]) {
      const decoder = new HpackDecoder(MAX_TABLE_BYTES);
      const name = addOf("n".repeat(4_000), "");
      const literalsOf = (count: number): Buffer =>
        Buffer.concat([name, Buffer.from(literal.repeat(count), "hex")]);
      assert.equal(decodeBlock(decoder, literalsOf(60)).result, "cut");
      assert.equal(decodeBlock(decoder, literalsOf(70)).result, "flood");
      assert.equal(decodeBlock(new HpackDecoder(4_096), literalsOf(20_000)).result, "flood");
    }
  });

  it("let the largest literals be decoded to their end", () => {
    const block = Buffer.concat([
      Buffer.from([0x00]),
      stringOf("a".repeat(52_000), true),
      stringOf("a".repeat(52_000), true),
    ]);
    const decoder = new HpackDecoder(MAX_TABLE_BYTES);
    assert.ok(block.length > 64_900);
    assert.deepEqual(decodeBlock(decoder, block), { result: "cut", lines: [] });
    const full = Buffer.concat([
      addOf("x", "y".repeat(4_000)),
      repeated(0xbe, 15),
      Buffer.from([0x0f, 0x2f]),
      stringOf("a".repeat(97_000), true),
    ]);
    assert.deepEqual([decodeBlock(decoder, full).result, tableOf(decoder).length], ["cut", 1]);
  });

  it("give a sink that wants no more no more", () => {
    const decoder = new HpackDecoder(MAX_TABLE_BYTES);
    const block = Buffer.concat([addOf("a", "b"), addOf("c", "d"), addOf("e", "f")]);
    assert.deepEqual(decodeBlock(decoder, block, new CollectingSink(1)), {
      result: "cut",
      lines: ["a: b"],
    });
    assert.deepEqual(tableOf(decoder), ["e: f", "c: d", "a: b"]);
  });

  it("make the number of reads linear", () => {
    const long = stringOf("b".repeat(60_000), true);
    for (const [block, result] of [
      [repeated(0x82, 60_000), "cut"],
      [Buffer.concat([addOf("a", "b"), repeated(0xbe, 60_000)]), "cut"],
      [repeated(0x20, 60_000), "whole"],
      [Buffer.from("400000".repeat(20_000), "hex"), "cut"],
      [Buffer.from("4001610162".repeat(10_000), "hex"), "cut"],
      [Buffer.concat([Buffer.from([0x00]), stringOf("a"), long]), "whole"],
    ] as const) {
      assert.ok(readsPerByte(block, result) < 4);
    }
  });
});
