import assert from "node:assert/strict";
import { it } from "node:test";
import type { Json } from "../json.ts";
import { mergePatch } from "./merge-patch.ts";

/** RFC 7396, appendix A: original, patch, result. */
const CASES: readonly (readonly [string, string, string])[] = [
  ['{"a":"b"}', '{"a":"c"}', '{"a":"c"}'],
  ['{"a":"b"}', '{"b":"c"}', '{"a":"b","b":"c"}'],
  ['{"a":"b"}', '{"a":null}', "{}"],
  ['{"a":"b","b":"c"}', '{"a":null}', '{"b":"c"}'],
  ['{"a":["b"]}', '{"a":"c"}', '{"a":"c"}'],
  ['{"a":"c"}', '{"a":["b"]}', '{"a":["b"]}'],
  ['{"a":{"b":"c"}}', '{"a":{"b":"d","c":null}}', '{"a":{"b":"d"}}'],
  ['{"a":[{"b":"c"}]}', '{"a":[1]}', '{"a":[1]}'],
  ['["a","b"]', '["c","d"]', '["c","d"]'],
  ['{"a":"b"}', '["c"]', '["c"]'],
  ['{"a":"foo"}', "null", "null"],
  ['{"a":"foo"}', '"bar"', '"bar"'],
  ['{"e":null}', '{"a":1}', '{"e":null,"a":1}'],
  ["[1,2]", '{"a":"b","c":null}', '{"a":"b"}'],
  ["{}", '{"a":{"bb":{"ccc":null}}}', '{"a":{"bb":{}}}'],
];

it("mergePatch does what RFC 7396 shows", () => {
  for (const [original, patch, result] of CASES) {
    const merged = mergePatch(JSON.parse(original) as Json, JSON.parse(patch) as Json);
    assert.equal(JSON.stringify(merged), result, `${original} with ${patch}`);
  }
});

it("a patch cannot reach a prototype", () => {
  const patch = JSON.parse(
    '{"__proto__":{"admin":true},"constructor":{"prototype":{"x":1}}}',
  ) as Json;
  const merged = mergePatch({}, patch);
  assert.equal(JSON.stringify(merged), JSON.stringify(patch));
  assert.equal(Object.getPrototypeOf(merged), Object.prototype);
  assert.equal(Reflect.get({}, "admin"), undefined);
  assert.equal(JSON.stringify(mergePatch({}, JSON.parse('{"toString":null}') as Json)), "{}");
});

it("a patch of 64 levels is applied, and a deeper one is refused", () => {
  const nested = (levels: number): Json =>
    Array.from({ length: levels }).reduce<Json>((inner) => ({ a: inner }), 1);
  assert.deepEqual(mergePatch({}, nested(64)), nested(64));
  assert.throws(() => mergePatch({}, nested(65)), RangeError);
  assert.throws(() => mergePatch({}, nested(5_000)), RangeError);
});
