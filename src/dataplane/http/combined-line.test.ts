import assert from "node:assert/strict";
import { test } from "node:test";
import { sampleFacts, sampleTexts } from "#harness/sample-lines.ts";
import { combinedLineOf } from "./combined-line.ts";

const client = "192.0.2.1";

test("a line has the fields of the combined format, in their order", () => {
  const texts = { path: "/a?b=1", referer: "https://shop.test/", userAgent: "curl/8" };
  assert.equal(
    combinedLineOf(client, { ...sampleFacts, texts: { ...sampleTexts, ...texts }, status: 404 }),
    '192.0.2.1 - - [14/Nov/2023:22:13:20 +0000] "GET /a?b=1 HTTP/1.1" 404 200 "https://shop.test/" "curl/8"\n',
  );
});

test("what is absent is a hyphen", () => {
  const nothing = { method: undefined, path: undefined, referer: undefined, userAgent: undefined };
  const texts = { ...sampleTexts, ...nothing };
  const facts = { ...sampleFacts, texts, status: 0, bodyBytesToClient: 0, atMs: 0 };
  assert.equal(combinedLineOf("", facts), '- - - [01/Jan/1970:00:00:00 +0000] "-" - - "-" "-"\n');
});

test("the time of a line is that of its own request", () => {
  const timeAt = (atMs: number): string | undefined =>
    /\[.*?\]/.exec(combinedLineOf(client, { ...sampleFacts, atMs }))?.[0];
  assert.deepEqual(
    [0, 999, 1_000, 999].map(timeAt),
    ["00", "00", "01", "00"].map((second) => `[01/Jan/1970:00:00:${second} +0000]`),
  );
});

test("nothing that a client sends ends a text, breaks the line or controls a terminal", () => {
  const hostile = '"\\\r\n\u001b[2J\u007f\u202e\u00e9\ud800 end';
  const texts = { method: hostile, path: hostile, referer: hostile, userAgent: hostile };
  const line = combinedLineOf(hostile, { ...sampleFacts, texts: { ...sampleTexts, ...texts } });
  assert.match(line, /^[ -~]+\n$/);
  const found = line.match(/"[^"]*"/g) ?? [];
  assert.equal(found.length, 3);
  const escaped = String.raw`\x22\x5C\x0D\x0A\x1B[2J\x7F\xE2\x80\xAE\xC3\xA9\xEF\xBF\xBD end`;
  assert.equal(found[1], `"${escaped}"`);
});
