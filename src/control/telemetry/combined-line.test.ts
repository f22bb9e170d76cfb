import assert from "node:assert/strict";
import { test } from "node:test";
import { sampleExchange } from "#harness/sample-director.ts";
import { combinedLineOf } from "./combined-line.ts";

test("a line has the fields of the combined format, in their order", () => {
  const record = { ...sampleExchange, path: "/a?b=1", referer: "https://shop.test/", status: 404 };
  assert.equal(
    combinedLineOf({ ...record, userAgent: "curl/8" }),
    '192.0.2.1 - - [14/Nov/2023:22:13:20 +0000] "GET /a?b=1 HTTP/1.1" 404 200 "https://shop.test/" "curl/8"',
  );
});

test("what is absent is a hyphen", () => {
  const { method: _, path: __, referer: ___, userAgent: ____, ...bare } = sampleExchange;
  const nothing = { ...bare, clientAddress: "", status: 0, bodyBytesToClient: 0, atMs: 0 };
  assert.equal(combinedLineOf(nothing), '- - - [01/Jan/1970:00:00:00 +0000] "-" - - "-" "-"');
});

test("nothing that a client sends ends a text, breaks the line or controls a terminal", () => {
  const hostile = '"\\\r\n\u001b[2J\u007f\u202e\u00e9\ud800 end';
  const line = combinedLineOf({
    ...sampleExchange,
    method: hostile,
    path: hostile,
    referer: hostile,
    userAgent: hostile,
    clientAddress: hostile,
  });
  assert.match(line, /^[ -~]+$/);
  const texts = line.match(/"[^"]*"/g) ?? [];
  assert.equal(texts.length, 3);
  const escaped = String.raw`\x22\x5C\x0D\x0A\x1B[2J\x7F\xE2\x80\xAE\xC3\xA9\xEF\xBF\xBD end`;
  assert.equal(texts[1], `"${escaped}"`);
});
