import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { encodeFrame, FrameDecoder } from "./job-frames.ts";

const bytesOf = (head: unknown, ...parts: readonly string[]): Buffer =>
  Buffer.concat(
    encodeFrame(
      head,
      parts.map((part) => Buffer.from(part)),
    ),
  );

describe("FrameDecoder", () => {
  it("puts frames together, however they are cut", () => {
    const all = Buffer.concat([
      bytesOf({ a: 1 }, "one", "", "three"),
      bytesOf("b"),
      bytesOf(null, "x"),
    ]);
    for (const size of [1, 2, 3, 7, 50, all.length]) {
      const decoder = new FrameDecoder();
      const frames = Array.from({ length: Math.ceil(all.length / size) }, (_, at) =>
        decoder.push(all.subarray(at * size, (at + 1) * size)),
      ).flat();
      assert.deepEqual(
        frames.map(({ head, parts }) => [head, parts.map(String)]),
        [
          [{ a: 1 }, ["one", "", "three"]],
          ["b", []],
          [null, ["x"]],
        ],
        `${size} bytes at a time`,
      );
    }
  });

  it("refuses lengths that no frame has before it keeps anything", () => {
    const prefix = (length: number): Buffer => {
      const bytes = Buffer.alloc(4);
      bytes.writeUInt32BE(length);
      return bytes;
    };
    const withHead = (json: string): Buffer =>
      Buffer.concat([prefix(json.length), Buffer.from(json)]);
    for (const bytes of [
      prefix(0xffffffff),
      prefix(5 * 1024 * 1024),
      withHead('{"lengths":[1e15]}'),
      withHead('{"lengths":[67108864,1]}'),
      withHead('{"lengths":[-1,2]}'),
      withHead('{"lengths":[1.5]}'),
      withHead('{"lengths":"12"}'),
      withHead(`{"lengths":[${"0,".repeat(32)}0]}`),
      withHead("null"),
    ]) {
      assert.throws(() => new FrameDecoder().push(bytes), RangeError, bytes.toString());
    }
    assert.throws(() => new FrameDecoder().push(withHead("{")), SyntaxError);
  });
});

it("encodeFrame refuses what no decoder takes", () => {
  assert.throws(() => encodeFrame("x".repeat(5 * 1024 * 1024), []), RangeError);
  assert.throws(() => encodeFrame({}, [new Uint8Array(65 * 1024 * 1024)]), RangeError);
});
