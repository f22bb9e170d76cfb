import assert from "node:assert/strict";
import { test } from "node:test";
import { topFunctionsOf } from "./profile-workers.ts";

const frame = (functionName: string, url = "", lineNumber = 0) => {
  return { functionName, url, lineNumber };
};

test("self times of a function are added up over its callers, without idle time", () => {
  const relay = frame("relay", "file:///home/x/src/dataplane/relay.ts", 9);
  const top = topFunctionsOf(
    {
      nodes: [frame("(root)"), relay, relay, frame("writev"), frame("(idle)")].map(
        (callFrame, index) => ({ id: index + 1, callFrame }),
      ),
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
