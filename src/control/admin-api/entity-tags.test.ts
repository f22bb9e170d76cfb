import assert from "node:assert/strict";
import { test } from "node:test";
import { isNamed, isNamedWeakly, parseTags, tagOfValue } from "./entity-tags.ts";

test("a field value is a star or a list of tags, which may hold commas and be weak", () => {
  assert.equal(parseTags(" * "), "*");
  assert.deepEqual(parseTags('"a"'), ['"a"']);
  assert.deepEqual(parseTags('"a,b", W/"c" ,,\t"",'), ['"a,b"', 'W/"c"', '""']);
  for (const bad of ["", ",", "a", '"a" "b"', '"a', 'w/"a"', '"a\u0001"', '*, "a"']) {
    assert.throws(() => parseTags(bad), { code: "bad-request" }, bad);
  }
  assert.throws(() => parseTags('"a",'.repeat(101)), { code: "bad-request" });
});

test("a long field value takes no longer than its length", () => {
  const startedMs = performance.now();
  for (const part of ['"', ",", " ", '","', "W/", '",']) {
    assert.throws(() => parseTags(`x${part.repeat(100_000)}`), { code: "bad-request" });
  }
  assert.ok(performance.now() - startedMs < 2_000);
});

test("If-Match compares strongly, and If-None-Match weakly", () => {
  const tags = ['"a"', 'W/"b"'];
  assert.deepEqual([isNamed(tags, '"a"'), isNamed(tags, '"b"')], [true, false]);
  assert.deepEqual([isNamedWeakly(tags, '"a"'), isNamedWeakly(tags, '"b"')], [true, true]);
  assert.equal(isNamedWeakly(tags, '"c"'), false);
});

test("the tag of a value depends on the value, and not on the order of its keys", () => {
  assert.equal(tagOfValue({ a: 1, b: 2 }), tagOfValue({ b: 2, a: 1 }));
  assert.notEqual(tagOfValue({ a: 1 }), tagOfValue({ a: 2 }));
});
