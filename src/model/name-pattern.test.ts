import assert from "node:assert/strict";
import { test } from "node:test";
import { matchesPattern } from "./name-pattern.ts";

test("a star in a pattern stands for any characters, and everything else for itself", () => {
  for (const [pattern, name, isMatch] of [
    ["web-1", "web-1", true],
    ["web", "web-1", false],
    ["*", "", true],
    ["web-*", "web-", true],
    ["*.shop", "front.shop", true],
    ["f*t.s*p", "front.shop", true],
    ["a*a", "a", false],
    ["ab*ba", "aba", false],
    ["*b*b", "ab", false],
    ["a.c", "abc", false],
    ["**", "x", true],
  ] as const) {
    assert.equal(matchesPattern(pattern, name), isMatch, `${pattern} ${name}`);
  }
  const startedMs = performance.now();
  matchesPattern("*a".repeat(512), "b".repeat(1_000));
  assert.ok(performance.now() - startedMs < 1_000);
});
