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

test("JSON keeps its value, whatever is escaped in it", () => {
  const value = {
    "a\u202eb": ["\u200b\u2028", "\u{e0001}", "\u007f\u009b\n\u001b", "b\u00fccher"],
  };
  const escaped = escapeControlsInJson(JSON.stringify(value, undefined, 2));
  assert.deepEqual(JSON.parse(escaped), value);
  assert.match(escaped, /^\{\n {2}"a\\u202eb": \[\n {4}"\\u200b\\u2028",\n {4}"\\udb40\\udc01",\n/);
  assert.doesNotMatch(escaped, /[^\n\P{C}]/u);
});
