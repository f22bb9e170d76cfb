import assert from "node:assert/strict";
import { test } from "node:test";
import { parseOptions } from "./parse-options.ts";

test("everything is measured by default", () => {
  assert.deepEqual(parseOptions([]), {
    task: "measure",
    families: ["handshakes", "requests", "bulk", "memory", "latency", "growth"],
    peers: ["haproxy", "nginx", "hitch", "stunnel"],
    engines: ["bun", "node"],
    against: undefined,
    runs: undefined,
    isQuick: false,
  });
});

test("cases, peers and engines can be chosen, in any order", () => {
  const argv = ["memory", "bulk", "--peers", "hitch,haproxy", "--engines", "none", "--runs", "7"];
  assert.deepEqual(parseOptions(argv), {
    task: "measure",
    families: ["bulk", "memory"],
    peers: ["haproxy", "hitch"],
    engines: [],
    against: undefined,
    runs: 7,
    isQuick: false,
  });
});

test("results are compared by a command of its own, and workers profiled where that is asked", () => {
  assert.deepEqual(parseOptions(["compare", "a.json", "b.json"]), {
    task: "compare",
    beforePath: "a.json",
    afterPath: "b.json",
  });
  assert.deepEqual(parseOptions(["bulk", "--profile", "--engines", "node"]), {
    task: "profile",
    loads: ["bulk"],
    engines: ["node"],
  });
  assert.throws(() => parseOptions(["memory", "--profile"]), /--profile is for handshakes/);
});

test("a working tree to measure beside this one must be one", () => {
  const options = parseOptions(["handshakes", "--against", "."]);
  assert.equal(options.task === "measure" && options.against, process.cwd());
  assert.throws(() => parseOptions(["--against", "src"]), /must be a working tree/);
});
