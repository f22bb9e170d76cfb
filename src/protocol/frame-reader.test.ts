import assert from "node:assert/strict";
import { test } from "node:test";
import { FrameReader } from "./frame-reader.ts";

const MAX_BYTES = 100_000;

function frameOf(text: string): Buffer {
  const frame = Buffer.alloc(4 + text.length, 0);
  frame.writeUInt32BE(text.length);
  frame.write(text, 4);
  return frame;
}

const headerOf = (length: number): Buffer => {
  const header = Buffer.alloc(4);
  header.writeUInt32BE(length);
  return header;
};

function read(...chunks: readonly Buffer[]): { frames: string[]; refused: number | undefined } {
  const frames: string[] = [];
  const reader = new FrameReader(MAX_BYTES, (frame) => frames.push(frame.toString()));
  let refused: number | undefined;
  for (const chunk of chunks) refused ??= reader.push(chunk);
  return { frames, refused };
}

const texts = ["{}", "x".repeat(300), "[1]", "y".repeat(MAX_BYTES), "{}"];
const stream = Buffer.concat(texts.map(frameOf));

for (const size of [1, 3, 4, 5, 7, 1_000, stream.length]) {
  test(`frames arrive whole in chunks of ${size} bytes`, () => {
    const chunks: Buffer[] = [];
    for (let at = 0; at < stream.length; at += size) chunks.push(stream.subarray(at, at + size));
    assert.deepEqual(read(...chunks), { frames: texts, refused: undefined });
  });
}

for (const length of [0, 1, MAX_BYTES + 1, 0xffff_ffff]) {
  test(`a length of ${length} is refused before a byte of the frame is there`, () => {
    assert.deepEqual(read(headerOf(length)), { frames: [], refused: length });
    const cut = [...headerOf(length)].map((byte) => Buffer.from([byte]));
    assert.deepEqual(read(frameOf("{}"), ...cut), { frames: ["{}"], refused: length });
  });
}
