import assert from "node:assert/strict";
import { test } from "node:test";
import { filterOf, matchesPattern } from "./list-filters.ts";

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

test("a server is found by the profiles that name it, also as a standby and with options", () => {
  const document = {
    profiles: {
      one: { servers: ["web-1"] },
      two: { standby: ["web-1"] },
      three: { servers: [{ server: "web-1", weight: 2 }] },
      four: { servers: ["web-2"] },
    },
  };
  const found = (kind: "profiles" | "listeners", ending: string): readonly string[] => {
    const matches = filterOf({ server: "web-1" }, kind, document);
    return ["one", "two", "three", "four", "constructor"].filter((name) =>
      matches(`${kind === "profiles" ? "" : "front."}${name}${ending}`),
    );
  };
  assert.deepEqual(found("profiles", ""), ["one", "two", "three"]);
  assert.deepEqual(found("listeners", ":443"), ["one", "two", "three"]);
});
