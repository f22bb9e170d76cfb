import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { decodeBlock, stringOf } from "#harness/field-blocks.ts";
import { bytesOf } from "#harness/parsed-heads.ts";
import { HpackDecoder } from "./hpack-decoder.ts";
import { type EncodedOutput, HpackEncoder } from "./hpack-encoder.ts";
import { STATIC_LINES } from "./static-table.ts";

function encoded(write: (encoder: HpackEncoder, output: EncodedOutput) => void): Buffer {
  const output = { bytes: Buffer.alloc(200_000), length: 0 };
  write(new HpackEncoder(), output);
  return output.bytes.subarray(0, output.length);
}

/** Encodes a field between other bytes. */
const fieldOf = (name: string, value: string): Buffer =>
  encoded((encoder, output) => {
    const line = bytesOf(`x${name}: ${value}\r\n`);
    encoder.field(output, line, 1, 1 + name.length, name.length + 3, line.length - 2);
  });
const textOf = (name: string, value: string): Buffer =>
  encoded((encoder, output) => encoder.text(output, name, value));
const linesOf = (block: Buffer): readonly string[] => decodeBlock(new HpackDecoder(0), block).lines;

describe("HpackEncoder", () => {
  it("encodes each status, as an index if there is one", () => {
    const indexed: number[] = [];
    for (let status = 100; status < 1_000; status += 1) {
      const block = encoded((encoder, output) => encoder.status(output, status));
      assert.deepEqual(linesOf(block), [`:status: ${status}`]);
      if (block.length === 1) indexed.push(status);
    }
    assert.deepEqual(indexed, [200, 204, 206, 304, 400, 404, 500]);
  });

  it("encodes any length", () => {
    for (const length of [0, 9, 10, 16_384, Number.MAX_SAFE_INTEGER]) {
      const block = encoded((encoder, output) => encoder.contentLength(output, length));
      assert.deepEqual(block, textOf("content-length", String(length)));
    }
  });

  it("sends names in lower case, as the first index of the static table if it is there", () => {
    const names = new Set(
      STATIC_LINES.toString("latin1")
        .split("\r\n")
        .slice(0, -1)
        .map((line) => line.slice(0, line.indexOf(": "))),
    );
    assert.equal(names.size, 52);
    for (const name of names) {
      const block = fieldOf(name.toUpperCase(), "v");
      assert.ok(block.length <= 4, name);
      assert.deepEqual(linesOf(block), [`${name}: v`]);
      assert.deepEqual(textOf(name, "v"), block);
    }
    assert.equal(fieldOf(":status", "v")[0], 8);
    assert.equal(fieldOf("Set-Cookie", "v").subarray(0, 2).toString("hex"), "0f28");
  });

  it("sends other names as literals without indexing", () => {
    for (const name of [
      "x",
      "X-Content-Type-Options",
      "dat",
      "dates",
      "datf",
      "Eatg",
      "a".repeat(300),
    ]) {
      const lower = name.toLowerCase();
      const block = fieldOf(name, "v");
      assert.deepEqual(block, Buffer.concat([Buffer.from([0]), stringOf(lower), stringOf("v")]));
      assert.deepEqual(textOf(lower, "v"), block);
    }
  });

  it("sends values of any length and of any bytes", () => {
    for (const length of [0, 1, 32, 33, 126, 127, 128, 254, 255, 256, 16_510, 16_511, 65_000]) {
      const value = "\xe9".repeat(length);
      for (const block of [fieldOf("Server", value), textOf("server", value)]) {
        assert.deepEqual(linesOf(block), [`server: ${value}`]);
      }
    }
  });

  it("answers a lower limit of the table once, at the start of a block", () => {
    const blockOf = (...limits: readonly (readonly number[])[]): string =>
      encoded((encoder, output) => {
        for (const limitsBefore of limits) {
          for (const limit of limitsBefore) encoder.limitTable(limit);
          encoder.begin(output);
          encoder.status(output, 200);
        }
      }).toString("hex");
    assert.equal(blockOf([], []), "8888");
    assert.equal(blockOf([4_096], [65_536]), "8888");
    assert.equal(blockOf([0], []), "208888");
    assert.equal(blockOf([4_095, 4_096], []), "208888");
    assert.equal(blockOf([100], [10], [0, 4_096, 1]), "20888888");
  });
});
