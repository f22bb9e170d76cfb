import assert from "node:assert/strict";
import { test } from "node:test";
import { escapeControls, escapeControlsInJson } from "./escape-controls.ts";

test("printable text does not change", () => {
  assert.equal(
    escapeControls("shop.demo.test bücher 東京 \\ 😀"),
    "shop.demo.test bücher 東京 \\ 😀",
  );
});

test("terminal sequences are escaped, 7-bit and 8-bit", () => {
  assert.equal(
    escapeControls("\u001b[2Ja\u009b2J\r\n\u007f"),
    "\\u{1b}[2Ja\\u{9b}2J\\u{d}\\u{a}\\u{7f}",
  );
});

test("characters that reorder, hide or break text are escaped", () => {
  assert.equal(
    escapeControls("a\u202eb\u200bc\u2028d\ud800"),
    "a\\u{202e}b\\u{200b}c\\u{2028}d\\u{d800}",
  );
});

test("JSON is safe to print and keeps its value", () => {
  const value = { text: "a\u001b\u009b\u202e\u2028\u{e0041}b", "k\u2066": ["é 東"] };
  const json = escapeControlsInJson(`${JSON.stringify(value)}\n`);
  assert.doesNotMatch(json, /(?!\n)[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/u);
  assert.deepEqual(JSON.parse(json), value);
});
