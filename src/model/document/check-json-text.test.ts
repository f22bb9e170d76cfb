import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { checkJsonText } from "./check-json-text.ts";

function assertProblem(text: string, code: string, path: string, message: RegExp): void {
  const problem = checkJsonText(text);
  assert.equal(problem?.code, code);
  assert.equal(problem.path, path);
  assert.match(problem.message, message);
}

describe("checkJsonText", () => {
  it("finds a key that is in a map twice, however it is written", () => {
    assertProblem('{"a":1,"a":2}', "duplicate-key", "a", /^line 1, column 8: The key "a" is dup/);
    assertProblem('{"a":1,\n  "\\u0061":2}', "duplicate-key", "a", /^line 2, column 3:/);
    assertProblem('{"b":[{},{"a":{"x":1 , "x":[]}}]}', "duplicate-key", "b[1].a.x", /column 24/);
    assertProblem('{"__proto__":1,"__proto__":2}', "duplicate-key", "__proto__", /duplicated/);
    assertProblem('{"\\"":1,"\\"":2}', "duplicate-key", '["\\""]', /duplicated/);
  });

  it("accepts the same key in different maps, and texts that look like keys", () => {
    for (const text of [
      '{"a":{"a":[{"a":1},{"a":2}]},"b":"a"}',
      '{"a":"a","b":["a","a"],"c":"{\\"a\\":1,\\"a\\":2}"}',
      '["a","a"]',
      '{"a\\\\":1,"a":2}',
      "[]",
      "1",
      '"a"',
    ]) {
      assert.equal(checkJsonText(text), undefined, text);
    }
  });

  it("refuses more than 64 levels", () => {
    assert.equal(checkJsonText("[".repeat(64) + "]".repeat(64)), undefined);
    assertProblem(
      "[".repeat(65),
      "nested-too-deeply",
      "[0][0][0][0][0][0][0][0]",
      /column 65: Maps/,
    );
    assertProblem(`{"a":${"[".repeat(64)}`, "nested-too-deeply", "a[0][0][0][0][0][0][0]", /64/);
  });

  it("leaves what is not JSON to JSON.parse", () => {
    for (const text of [
      "",
      "}}]]",
      '{"a',
      '{"a":1,"b\\',
      '"\\u00',
      "{,,}",
      '{"\\x":1,"\\x',
      ",:",
    ]) {
      assert.equal(checkJsonText(text), undefined, text);
    }
  });

  it("takes time linear in the length", { timeout: 20_000 }, () => {
    const size = 4 * 1024 * 1024;
    const keys = Array.from({ length: size / 16 }, (_, at) => `"k${at}":{}`);
    for (const text of [
      `{${keys.join(",")}}`,
      `["${"\\\\".repeat(size / 2)}"]`,
      `{"${"a".repeat(size)}":1`,
      `[${"[],".repeat(size / 3)}1]`,
      '{"\\u00'.repeat(size / 6),
    ]) {
      checkJsonText(text);
    }
  });
});
