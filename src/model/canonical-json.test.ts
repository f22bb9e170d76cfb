import assert from "node:assert/strict";
import { test } from "node:test";
import * as fc from "fast-check";
import { canonicalJson } from "./canonical-json.ts";
import type { Json, JsonMap } from "./json.ts";

test("keys stand in the order of their code units, at every depth", () => {
  const value = { b: [{ d: 1, c: null }], "\u{1F512}": 1, "\uFB01": 2, "": true, a: "\u0000ä" };
  assert.equal(
    canonicalJson(value),
    '{"":true,"a":"\\u0000ä","b":[{"c":null,"d":1}],"\u{1F512}":1,"\uFB01":2}',
  );
});

test("equal values have equal texts, and a text has the value that it was made from", () => {
  const shuffled = (value: Json): Json => {
    if (typeof value !== "object" || value === null) return value;
    if (Array.isArray(value)) return value.map(shuffled);
    const entries = Object.entries(value as JsonMap).toReversed();
    return Object.fromEntries(entries.map(([key, member]) => [key, shuffled(member)]));
  };
  fc.assert(
    fc.property(fc.jsonValue(), (given) => {
      const value = JSON.parse(JSON.stringify(given)) as Json;
      const text = canonicalJson(value);
      assert.deepEqual(JSON.parse(text), value);
      assert.equal(canonicalJson(shuffled(value)), text);
    }),
  );
});
