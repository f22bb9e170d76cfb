import assert from "node:assert/strict";
import { test } from "node:test";
import { parseOptions } from "./parse-options.ts";

test("everything is measured by default", () => {
  assert.deepEqual(parseOptions([]), {
    cases: ["handshakes", "requests", "bulk", "memory"],
    peers: ["haproxy", "nginx", "hitch"],
    engines: ["bun", "node"],
    runs: 5,
    isQuick: false,
  });
});

test("cases, peers and engines can be chosen, in any order", () => {
  const options = parseOptions(["memory", "bulk", "--peers", "hitch,haproxy", "--engines", "none"]);
  assert.deepEqual(options.cases, ["bulk", "memory"]);
  assert.deepEqual(options.peers, ["haproxy", "hitch"]);
  assert.deepEqual(options.engines, []);
});
