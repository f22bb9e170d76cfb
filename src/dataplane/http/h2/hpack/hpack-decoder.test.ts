import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { decodeBlock, integerOf, stringOf, tableOf } from "#harness/field-blocks.ts";
import { HpackDecoder } from "./hpack-decoder.ts";

/** Adds `a: b`, and with it an entry of 34 bytes. */
const ADD = "4001610162";

/** Blocks that are errors after the block `ADD`. */
const ERRORS: readonly (readonly [name: string, ...blocks: readonly string[]])[] = [
  ["index 0", "80"],
  ["an index after the table", "bf", "ff00", "ffffffff00", "7f000161", "ff808080807f"],
  ["a name with an index after the table", "7f0001", "0f3000", "1f3000"],
  ["an integer that is cut off", "ff", "ff80", "7f", "0f", "1f80", "3f", "3fe1"],
  ["an integer of more than five bytes", "ffffffffff00", "ff8080808000", "3f8080808000"],
  ["a field that is cut off", "40", "4001", "400161", "40016101", "00", "10", "04", "0f2f"],
  ["a string that is longer than the block", "00016102", "007f", "0001617fffffff7f", "0081"],
  ["a size update over the maximum", "3fe21f", "3fffffff7f"],
  ["a size update after a field", "8220", "40016101623f00"],
  ["EOS in a string", "000161 84ffffffff", "000161 85fffffffc00", "000161 84 fffffffc"],
  ["padding of 8 bits", "00016181ff", "0001618307ffff", "0001618207ff"],
  ["padding that is not all ones", "0001618118", "00016181fe", "0001618100", "0001618206fe"],
  ["padding in a name", "008118", "4081ff"],
];

describe("HpackDecoder", () => {
  for (const [name, ...blocks] of ERRORS) {
    it(`refuses ${name}`, () => {
      for (const block of blocks) {
        const decoder = new HpackDecoder(4_096);
        decodeBlock(decoder, ADD);
        const { result } = decodeBlock(decoder, block.replaceAll(" ", ""));
        assert.equal(result, "compression-error", block);
      }
    });
  }

  it("accepts empty blocks, empty strings, the last entry and the largest size", () => {
    for (const block of ["", "be", "3fe11f", "7e00", "0f2f00", "000000", "00000161"]) {
      const decoder = new HpackDecoder(4_096);
      decodeBlock(decoder, ADD);
      assert.equal(decodeBlock(decoder, block).result, "whole", block);
    }
  });

  it("accepts an integer of five bytes with zeros at its end", () => {
    assert.deepEqual(decodeBlock(new HpackDecoder(4_096), "0f80808000 0178".replace(" ", "")), {
      result: "whole",
      lines: ["accept-charset: x"],
    });
  });

  it("decodes every byte, with Huffman coding and without", () => {
    const all = Buffer.from(Array.from({ length: 256 }, (_, byte) => byte)).toString("latin1");
    for (const isHuffman of [false, true]) {
      const block = Buffer.concat([
        Buffer.from([0x40]),
        stringOf(all, isHuffman),
        stringOf(all, isHuffman),
      ]);
      const decoder = new HpackDecoder(4_096);
      const lines = [`${all}: ${all}`];
      assert.deepEqual(decodeBlock(decoder, block), { result: "whole", lines });
      assert.deepEqual(tableOf(decoder), lines);
    }
  });

  it("says of each field whether it must never be indexed", () => {
    const { lines } = decodeBlock(
      new HpackDecoder(4_096),
      "1f080178 1001610162 0001610162 40016101 62 be".replaceAll(" ", ""),
    );
    assert.deepEqual(lines, ["*authorization: x", "*a: b", "a: b", "a: b", "a: b"]);
  });

  it("empties the table for an entry over its maximum, and keeps one of the maximum", () => {
    for (const [length, entries] of [
      [4_063, 1],
      [4_064, 0],
    ] as const) {
      const decoder = new HpackDecoder(4_096);
      decodeBlock(decoder, ADD);
      const entry = Buffer.concat([
        Buffer.from([0x40]),
        stringOf("a"),
        stringOf("b".repeat(length)),
      ]);
      assert.equal(decodeBlock(decoder, entry).lines.length, 1);
      assert.equal(tableOf(decoder).length, entries);
    }
  });

  it("has 128 entries without bytes", () => {
    const decoder = new HpackDecoder(4_096);
    for (let block = 0; block < 3; block += 1) decodeBlock(decoder, "400000".repeat(100));
    assert.equal(tableOf(decoder).length, 128);
  });

  it("can take the name from an entry that is evicted for the new one", () => {
    const decoder = new HpackDecoder(64);
    decodeBlock(
      decoder,
      Buffer.concat([Buffer.from([0x40]), stringOf("n".repeat(20)), stringOf("x")]),
    );
    const { lines } = decodeBlock(decoder, "7e0179");
    assert.deepEqual(lines, [`${"n".repeat(20)}: y`]);
    assert.deepEqual(tableOf(decoder), lines);
  });

  it("evicts what is over a size update, also if the size grows at once", () => {
    const decoder = new HpackDecoder(4_096);
    decodeBlock(decoder, ADD.repeat(3));
    assert.equal(
      decodeBlock(decoder, Buffer.concat([integerOf(0x20, 5, 68), integerOf(0x20, 5, 4_096)]))
        .result,
      "whole",
    );
    assert.equal(tableOf(decoder).length, 2);
    decodeBlock(decoder, "203fe11f");
    assert.equal(tableOf(decoder).length, 0);
    decodeBlock(decoder, `20${ADD}`);
    assert.equal(tableOf(decoder).length, 0);
  });

  it("requires a size update after the maximum was lowered", () => {
    const lowered = (): HpackDecoder => {
      const decoder = new HpackDecoder(4_096);
      decodeBlock(decoder, ADD);
      decoder.lowerMaximum(33);
      return decoder;
    };
    assert.equal(decodeBlock(lowered(), "82").result, "compression-error");
    assert.equal(decodeBlock(lowered(), "").result, "compression-error");
    assert.equal(decodeBlock(lowered(), "3f0382").result, "compression-error");
    const decoder = lowered();
    assert.deepEqual(decodeBlock(decoder, "3f0282"), { result: "whole", lines: [":method: GET"] });
    assert.deepEqual(tableOf(decoder), []);
    assert.equal(decodeBlock(decoder, "82").result, "whole");
  });

  it("requires no size update if the encoder has chosen less already", () => {
    const decoder = new HpackDecoder(4_096);
    decodeBlock(decoder, "20");
    decoder.lowerMaximum(100);
    assert.equal(decodeBlock(decoder, "82").result, "whole");
  });
});
