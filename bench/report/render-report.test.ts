import assert from "node:assert/strict";
import { test } from "node:test";
import { renderReport } from "./render-report.ts";
import { sampleResult } from "./sample-result.ts";

const html = renderReport(sampleResult());

test("the report needs nothing from elsewhere and runs nothing", () => {
  assert.doesNotMatch(html, /<script|<link|<img|src=|url\(|@import/);
  assert.equal(html.match(/<svg/g)?.length, 5);
});

test("what programs said about themselves is text", () => {
  assert.match(html, /A &lt;processor&gt;/);
  assert.match(html, /# &lt;configuration&gt; of haproxy/);
  assert.doesNotMatch(html, /<processor>|<configuration>|<error>/);
});

test("a refused case shows why, and no figure", () => {
  assert.match(html, /Not compared: a run had an &lt;error&gt;/);
});

test("the peers are named wherever they are compared with", () => {
  assert.doesNotMatch(html, /every peer|all peers/i);
  assert.match(html, /haproxy 1 \(OpenSSL 3\.0\.22\)/);
});
