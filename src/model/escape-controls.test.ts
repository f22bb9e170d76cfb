import assert from "node:assert/strict";
import { test } from "node:test";
import { escapeControls } from "./escape-controls.ts";

test("text that shows as itself stays as it is", () => {
  assert.equal(
    escapeControls("shop.demo.test bücher 東京 \\ 😀"),
    "shop.demo.test bücher 東京 \\ 😀",
  );
});

test("a terminal sequence is spelled out, 7-bit and 8-bit", () => {
  assert.equal(
    escapeControls("\u001b[2Ja\u009b2J\r\n\u007f"),
    "\\u{1b}[2Ja\\u{9b}2J\\u{d}\\u{a}\\u{7f}",
  );
});

test("what reorders, hides or breaks text is spelled out", () => {
  assert.equal(
    escapeControls("a\u202eb\u200bc\u2028d\ud800"),
    "a\\u{202e}b\\u{200b}c\\u{2028}d\\u{d800}",
  );
});
