import assert from "node:assert/strict";
import { test } from "node:test";
import { topFunctionsOf } from "./top-functions.ts";

const frame = (functionName: string, url = "", lineNumber = 0) => ({
  functionName,
  url,
  lineNumber,
});

test("self times add up over the places a function is called from, and idle time is none", () => {
  const top = topFunctionsOf(
    {
      nodes: [
        { id: 1, callFrame: frame("(root)") },
        { id: 2, callFrame: frame("relay", "file:///home/x/src/dataplane/relay.ts", 9) },
        { id: 3, callFrame: frame("relay", "file:///home/x/src/dataplane/relay.ts", 9) },
        { id: 4, callFrame: frame("writev") },
        { id: 5, callFrame: frame("(idle)") },
      ],
      samples: [1, 2, 3, 4, 5],
      timeDeltas: [1_000, 2_000, 4_000, 2_000, 90_000],
    },
    5,
  );
  assert.deepEqual(top, [
    { place: "relay src/dataplane/relay.ts:10", selfMs: 6, share: 0.75 },
    { place: "writev", selfMs: 2, share: 0.25 },
  ]);
});
