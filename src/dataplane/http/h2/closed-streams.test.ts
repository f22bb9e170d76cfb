import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { ClosedStreams } from "./closed-streams.ts";

describe("the closed streams of a session", () => {
  it("are remembered up to 128, and of the others only that they are closed", () => {
    const closed = new ClosedStreams();
    for (let id = 1; id < 2 * 200; id += 2) {
      if (id !== 301) closed.add(id, id % 4 === 1 ? "ended" : "by-client");
    }
    assert.deepEqual([closed.of(397), closed.of(399)], ["ended", "by-client"]);
    // 199 were closed, so 71 are forgotten: up to 141.
    assert.deepEqual(
      [closed.of(1), closed.of(141), closed.of(143)],
      ["long-ago", "long-ago", "by-client"],
    );
    // It was skipped.
    assert.equal(closed.of(301), undefined);
  });
});
