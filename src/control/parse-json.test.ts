import assert from "node:assert/strict";
import { test } from "node:test";
import { SourceProblem } from "./certificates/source-problem.ts";
import { parseJson } from "./parse-json.ts";
import { SyntaxProblem } from "./syntax-problem.ts";

const parse = (text: string): unknown => parseJson(Buffer.from(text));

test("JSON is parsed, with a byte order mark or white space, and nothing is undefined", () => {
  assert.deepEqual(parse('\ufeff {"a":[1,"\\ud83d\\ude00"]}\n'), { a: [1, "😀"] });
  assert.equal(parse("null"), null);
  assert.equal(parse(" \r\n"), undefined);
  const value = parse('{"__proto__":{"a":1}}') as object;
  assert.deepEqual(Object.keys(value), ["__proto__"]);
});

test("what is wrong is named without a part of the text", () => {
  for (const [text, message] of [
    ['{"passphrase":"hunter2', /^It is not JSON\. See line 1, column \d+\.$/],
    ['{"passphrase":"hunter2"\n,hunter2}', /^It is not JSON\. See line 2, column 2\.$/],
    ["hunter2", /^It is not JSON\.$/],
    ['{"a":"hunter2\\ud800"}', /surrogate/],
    ['{"\\udc00":1}', /surrogate/],
  ] as const) {
    assert.throws(
      () => parse(text),
      (error) => {
        assert.ok(error instanceof SyntaxProblem);
        assert.match(error.message, message);
        assert.doesNotMatch(String(error.stack), /hunter/);
        return true;
      },
      text,
    );
  }
  assert.throws(() => parseJson(Buffer.from([0x22, 0xff, 0x22])), /UTF-8/);
});

test("a key that is used twice, or deep nesting, is named with its place", () => {
  assert.throws(
    () => parse('{"a":{"b":1,"b":2}}'),
    (error) => error instanceof SourceProblem && error.problem.path === "a.b",
  );
  assert.throws(() => parse("[".repeat(65)), SourceProblem);
});
