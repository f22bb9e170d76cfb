import assert from "node:assert/strict";
import { describe, it } from "node:test";
import {
  LINES_HEADER_BYTES,
  MAX_LINES_FRAMES_PER_SECOND,
  MAX_LINES_FRAME_BYTES,
} from "#protocol/line-frames.ts";
import type { SendOutcome } from "#protocol/channel.ts";
import { AccessLines } from "./access-lines.ts";

const lineOf = (at: number, bytes = 700): string => `${String(at).padEnd(bytes - 1, ".")}\n`;

/** A channel that takes everything, unless a test sets its fields. */
function makeLines() {
  const frames: Buffer[] = [];
  const buffers = new Set<ArrayBufferLike>();
  const drained = { now: Promise.withResolvers<void>() };
  const channel = {
    waitingBytes: 0,
    outcome: "sent" as SendOutcome,
    sendLines(frame: Buffer): SendOutcome {
      buffers.add(frame.buffer);
      if (this.outcome === "sent") frames.push(Buffer.from(frame));
      return this.outcome;
    },
    untilDrained: () => drained.now.promise,
  };
  const lost = { count: 0 };
  const onLost = (count: number): void => void (lost.count += count);
  const lines = new AccessLines({ channel, onLost });
  const arrived = (): readonly string[] =>
    frames.flatMap((frame) => {
      const text = frame.subarray(LINES_HEADER_BYTES).toString("latin1");
      assert.ok(text.endsWith("\n"));
      return text.slice(0, -1).split("\n");
    });
  return { lines, frames, buffers, channel, drained, lost, arrived };
}

const settled = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

describe("access lines of a worker", () => {
  it("are sent in few frames of whole lines, in their order, and from one buffer", () => {
    const { lines, frames, buffers, arrived, lost } = makeLines();
    for (let at = 0; at < 1_000; at += 1) lines.add(lineOf(at, 100 + (at % 700)));
    lines.flush();
    assert.deepEqual(
      arrived().map((line) => Number.parseInt(line, 10)),
      Array.from({ length: 1_000 }, (_, at) => at),
    );
    assert.ok(frames.every((frame) => frame.length <= MAX_LINES_FRAME_BYTES));
    assert.ok(frames.length < 9, `${frames.length}`);
    assert.equal(buffers.size, 1);
    assert.equal(lost.count, 0);
  });

  it("are sent after 200 ms, also if there is only one", (t) => {
    t.mock.timers.enable({ apis: ["setTimeout"] });
    const { lines, arrived } = makeLines();
    lines.add(lineOf(1));
    t.mock.timers.tick(199);
    assert.equal(arrived().length, 0);
    t.mock.timers.tick(1);
    assert.equal(arrived().length, 1);
  });

  it("leave a buffer alone of which the kernel has not taken everything", () => {
    const { lines, buffers, channel } = makeLines();
    channel.waitingBytes = 1;
    for (let at = 0; at < 3; at += 1) {
      lines.add(lineOf(at));
      lines.flush();
    }
    assert.equal(buffers.size, 3);
  });

  it("wait while the control process does not read, up to a bound, and the others are counted", async () => {
    const { lines, channel, drained, arrived, lost } = makeLines();
    channel.waitingBytes = 1_048_576;
    for (let at = 0; at < 50_000; at += 1) lines.add(lineOf(at));
    assert.equal(arrived().length, 0);
    channel.waitingBytes = 0;
    drained.now.resolve();
    await settled();
    lines.flush();
    assert.equal(arrived().length + lost.count, 50_000);
    const waitedBytes = 700 * arrived().length;
    assert.ok(waitedBytes > 7_500_000 && waitedBytes < 8_500_000, `${waitedBytes}`);
    assert.equal(Number.parseInt(arrived().at(-1) ?? "", 10), arrived().length - 1);
    lines.add(lineOf(50_000));
    lines.flush();
    assert.match(arrived().at(-1) ?? "", /^50000/);
  });

  it("are bounded by the second, and the rest is sent in the next second", () => {
    const { lines, frames } = makeLines();
    const many = MAX_LINES_FRAMES_PER_SECOND + 10;
    for (let at = 0; at < many; at += 1) {
      lines.add(lineOf(at));
      lines.flush();
    }
    assert.equal(frames.length, MAX_LINES_FRAMES_PER_SECOND);
    lines.beat();
    assert.equal(frames.length, many);
  });

  it("are counted if the channel does not take them, or if they fit into no frame", () => {
    const { lines, channel, lost, arrived } = makeLines();
    channel.outcome = "full";
    for (let at = 0; at < 3; at += 1) lines.add(lineOf(at));
    lines.flush();
    assert.equal(lost.count, 3);
    channel.outcome = "sent";
    const most = MAX_LINES_FRAME_BYTES - LINES_HEADER_BYTES;
    lines.add(lineOf(1, most + 1));
    lines.add(lineOf(2, most));
    lines.add(lineOf(3));
    lines.flush();
    assert.equal(lost.count, 4);
    assert.deepEqual(
      arrived().map((line) => Number.parseInt(line, 10)),
      [2, 3],
    );
  });
});
