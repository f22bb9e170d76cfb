import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { OpenStreams } from "./open-streams.ts";

describe("the open streams of a session", () => {
  it("are found by their ids and listed in their order", () => {
    const streams = new OpenStreams<{ readonly id: number }>();
    const [first, second, third] = [{ id: 1 }, { id: 5 }, { id: 9 }];
    for (const stream of [first, second, third]) streams.add(stream);
    assert.deepEqual([streams.of(1), streams.of(5), streams.of(9)], [first, second, third]);
    assert.deepEqual([streams.of(3), streams.of(11)], [undefined, undefined]);
    streams.remove(second);
    streams.remove(second);
    assert.deepEqual([streams.all(), streams.size, streams.of(5)], [[first, third], 2, undefined]);
  });

  it("can be removed while they are listed", () => {
    const streams = new OpenStreams<{ readonly id: number }>();
    for (const id of [1, 3, 5]) streams.add({ id });
    const ids: number[] = [];
    for (const stream of streams.all()) {
      streams.remove(stream);
      ids.push(stream.id);
    }
    assert.deepEqual([ids, streams.size], [[1, 3, 5], 0]);
  });
});
