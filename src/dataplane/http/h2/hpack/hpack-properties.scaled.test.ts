import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import {
  BlockWriter,
  CollectingSink,
  decodeBlock,
  stringOf,
  tableOf,
  type WrittenField,
} from "#harness/field-blocks.ts";
import { randomBelow } from "#harness/random.ts";
import { scaled } from "#harness/run-length.ts";
import { HpackDecoder, MAX_FIELD_SECTION_BYTES, MAX_SECTION_FIELDS } from "./hpack-decoder.ts";

const MAX_TABLE_BYTES = 4_096;
const RANDOM_BLOCKS = 20_000;

const text = (maxLength: number): fc.Arbitrary<string> =>
  fc.uint8Array({ maxLength }).map((bytes) => Buffer.from(bytes).toString("latin1"));
const name = fc.oneof(
  fc.constantFrom(":method", "cookie", "accept", "x-a", "x-b", "x".repeat(200)),
  text(40).filter((candidate) => !candidate.includes(": ")),
);
const value = fc.oneof(
  fc.constantFrom("GET", "", "a", "b".repeat(500), "c".repeat(4_100)),
  text(300),
);
const field: fc.Arbitrary<WrittenField> = fc.record({
  name,
  value,
  form: fc.constantFrom("indexed", "indexed", "incremental", "without", "never"),
  isHuffman: fc.boolean(),
  hasIndexedName: fc.boolean(),
});
const block = fc.record({
  sizes: fc.array(fc.constantFrom(0, 40, 700, 3_000, MAX_TABLE_BYTES), { maxLength: 2 }),
  fields: fc.array(field, { maxLength: 12 }),
  /** The number of fields that the sink wants. */
  wanted: fc.oneof(fc.constant(Infinity), fc.integer({ min: 1, max: 12 })),
});

describe("HpackDecoder with blocks at random", () => {
  it("decodes what another encoder writes, and has its table", () => {
    fc.assert(
      fc.property(fc.array(block, { maxLength: 12 }), (blocks) => {
        const decoder = new HpackDecoder(MAX_TABLE_BYTES);
        const writer = new BlockWriter(MAX_TABLE_BYTES);
        for (const { sizes, fields, wanted } of blocks) {
          const bytes = Buffer.concat([
            ...sizes.map((size) => writer.resize(size)),
            ...fields.map((written) => writer.write(written)),
          ]);
          const lines = fields
            .slice(0, wanted)
            .map(
              (written) =>
                `${written.form === "never" ? "*" : ""}${written.name}: ${written.value}`,
            );
          const result = fields.length >= wanted ? "cut" : "whole";
          const decoded = decodeBlock(decoder, bytes, new CollectingSink(wanted));
          assert.deepEqual(decoded, { result, lines });
          assert.deepEqual(tableOf(decoder), writer.table);
        }
      }),
      { numRuns: scaled({ short: 300, long: 20_000 }) },
    );
  });

  it("throws at no bytes, and keeps its bounds", () => {
    const below = randomBelow(7_541);
    const results = new Map<string, number>();
    let decoder = new HpackDecoder(MAX_TABLE_BYTES);
    let last: Buffer = Buffer.alloc(0);
    for (let run = 0; run < RANDOM_BLOCKS; run += 1) {
      const bytes = randomBlock(below, last);
      const { result, lines } = decodeBlock(decoder, bytes);
      results.set(result, (results.get(result) ?? 0) + 1);
      assert.ok(lines.length <= MAX_SECTION_FIELDS);
      const size = lines.reduce((sum, line) => sum + line.length - 3 + 32, 0);
      assert.ok(size <= MAX_FIELD_SECTION_BYTES);
      if (result === "compression-error" || result === "flood") {
        decoder = new HpackDecoder(MAX_TABLE_BYTES);
      } else last = bytes;
    }
    assert.deepEqual([...results.keys()].toSorted(), [
      "compression-error",
      "cut",
      "flood",
      "whole",
    ]);
  });
});

/** Returns random bytes, a block that was accepted with one byte changed, or one that is short for its work. */
function randomBlock(below: (limit: number) => number, accepted: Buffer): Buffer {
  const bytes = Buffer.from(Array.from({ length: below(64) }, () => below(256)));
  switch (below(8)) {
    case 0:
      return Buffer.concat(Array.from({ length: below(5_000) }, () => bytes.subarray(0, below(5))));
    case 1: {
      const long = stringOf("a".repeat(200 + below(3_800)));
      const literals = Buffer.from("7e00".repeat(below(500)), "hex");
      return Buffer.concat([Buffer.from([0x40]), long, stringOf(""), literals]);
    }
    case 2:
    case 3:
    case 4: {
      const changed = Buffer.from(accepted);
      if (changed.length > 0) changed[below(changed.length)] = below(256);
      return changed;
    }
    default:
      return bytes;
  }
}
