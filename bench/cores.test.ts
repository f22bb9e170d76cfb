import assert from "node:assert/strict";
import { test } from "node:test";
import { divideCores, parseCoreList } from "./cores.ts";

test("proxy and load never share a core", () => {
  assert.deepEqual(parseCoreList("0-2,6"), [0, 1, 2, 6]);
  assert.deepEqual(divideCores([0, 1]), { proxy: "0", proxyPair: "0", load: "1", loadCount: 1 });
  assert.deepEqual(divideCores([0, 1, 2, 6]), {
    proxy: "0",
    proxyPair: "0,1",
    load: "2,6",
    loadCount: 2,
  });
  assert.throws(() => divideCores([3]), /two CPU cores/);
});
