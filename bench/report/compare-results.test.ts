import assert from "node:assert/strict";
import { test } from "node:test";
import { compareResults } from "./compare-results.ts";
import { sampleResult } from "./sample-result.ts";

test("a change is marked where the ranges of the runs do not overlap", () => {
  const lines = compareResults(sampleResult(), sampleResult(0.8)).split("\n");
  const lineOf = (name: string, subject: string) =>
    lines.find((line) => line.includes(name) && line.includes(subject)) ?? "";
  assert.match(lineOf("handshakes-ecdsa-x25519", "director/bun"), /0\.80 +\* less$/);
  assert.match(lineOf("handshakes-ecdsa-x25519", "haproxy"), /1\.00$/);
});

test("what makes two results hard to compare is said", () => {
  const before = sampleResult();
  const after = { ...before, machine: { ...before.machine, cores: 64 }, isQuick: true };
  const text = compareResults(before, after);
  assert.match(text, /machines differ/);
  assert.match(text, /quick run/);
});
