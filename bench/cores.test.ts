import assert from "node:assert/strict";
import { test } from "node:test";
import { parseCoreList, splitCores } from "./cores.ts";

test("subject and load never share a core", () => {
  assert.deepEqual(parseCoreList("0-2,6"), [0, 1, 2, 6]);
  assert.deepEqual(splitCores([0, 1]), {
    subject: "0",
    subjectPair: "0",
    load: "1",
    loadCount: 1,
  });
  assert.deepEqual(splitCores([0, 1, 2, 6]), {
    subject: "0",
    subjectPair: "0,1",
    load: "2,6",
    loadCount: 2,
  });
  assert.throws(() => splitCores([3]), /two CPU cores/);
});
