import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { bytesOf, outcomeOf } from "#harness/parsed-heads.ts";
import { MAX_CONNECTION_OPTIONS } from "./connection-options.ts";
import { MAX_FIELDS, MAX_HEAD_BYTES } from "./head-fields.ts";
import {
  MAX_METHOD_BYTES,
  MAX_METHOD_TOKEN_BYTES,
  MAX_REQUEST_LINE_BYTES,
} from "./request-line.ts";
import { RequestParser } from "./request-parser.ts";
import { ResponseParser } from "./response-parser.ts";

const ofRequest = (text: string): string => {
  const bytes = bytesOf(text);
  return outcomeOf(new RequestParser().parse(bytes, 0, bytes.length));
};
const ofResponse = (text: string): string => {
  const bytes = bytesOf(text);
  return outcomeOf(new ResponseParser().parse(bytes, 0, bytes.length, false));
};

const REQUEST = "GET / HTTP/1.1\r\nHost: a\r\n";
const RESPONSE = "HTTP/1.1 200 OK\r\n";
const fields = (count: number): string => "A: b\r\n".repeat(count);
/** Fields that make a head of this length. The empty line is part of it. */
const filled = (start: string, bytes: number): string => {
  const filler = "x".repeat(bytes - start.length - "A: \r\n\r\n".length);
  return `${start}A: ${filler}\r\n\r\n`;
};
const lineOf = (bytes: number): string =>
  `GET /${"x".repeat(bytes - "GET / HTTP/1.1".length)} HTTP/1.1\r\nHost: a\r\n\r\n`;
const absoluteLineOf = (bytes: number): string =>
  `GET https://a/${"x".repeat(bytes - "GET https://a/ HTTP/1.1".length)} HTTP/1.1\r\nHost: a\r\n\r\n`;
const connectionOf = (options: number): string => `Connection: ${"a,".repeat(options)}\r\n`;
const hostOf = (bytes: number): string => `Host: ${"a".repeat(bytes)}:443\r\n`;

/** Each limit with what is accepted just below it and refused just above it. */
const LIMITS: readonly (readonly [
  name: string,
  outcome: (text: string) => string,
  textOf: (size: number) => string,
  limit: number,
  rule: string,
])[] = [
  [
    "bytes of a request head",
    ofRequest,
    (size) => filled(REQUEST, size),
    MAX_HEAD_BYTES,
    "long-head",
  ],
  [
    "bytes after an empty line",
    ofRequest,
    (size) => `\r\n${filled(REQUEST, size)}`,
    MAX_HEAD_BYTES,
    "long-head",
  ],
  [
    "bytes of an answer's head",
    ofResponse,
    (size) => filled(RESPONSE, size),
    MAX_HEAD_BYTES,
    "long-head",
  ],
  [
    "bytes of a status line",
    ofResponse,
    (size) => `HTTP/1.1 200 ${"x".repeat(size - 17)}\r\n\r\n`,
    MAX_HEAD_BYTES,
    "long-head",
  ],
  [
    "fields of a request",
    ofRequest,
    (size) => `${REQUEST}${fields(size - 1)}\r\n`,
    MAX_FIELDS,
    "too-many-fields",
  ],
  [
    "fields of an answer",
    ofResponse,
    (size) => `${RESPONSE}${fields(size)}\r\n`,
    MAX_FIELDS,
    "too-many-fields",
  ],
  ["bytes of a request line", ofRequest, lineOf, MAX_REQUEST_LINE_BYTES, "long-request-line"],
  [
    "bytes of an absolute form",
    ofRequest,
    absoluteLineOf,
    MAX_REQUEST_LINE_BYTES,
    "long-request-line",
  ],
  [
    "bytes of a method",
    ofRequest,
    (size) => REQUEST.replace("GET", "M".repeat(size)) + "\r\n",
    MAX_METHOD_BYTES,
    "long-method",
  ],
  [
    "bytes of a token that is not yet a method",
    (text) => (ofRequest(text) === "partial" ? "whole" : ofRequest(text)),
    (size) => "M".repeat(size),
    MAX_METHOD_TOKEN_BYTES,
    "bad-method",
  ],
  [
    "options of Connection",
    ofRequest,
    (size) => `${REQUEST}${connectionOf(size)}\r\n`,
    MAX_CONNECTION_OPTIONS,
    "too-many-connection-options",
  ],
  [
    "options of two Connection fields",
    ofRequest,
    (size) => `${REQUEST}${connectionOf(size - 50)}${connectionOf(50)}\r\n`,
    MAX_CONNECTION_OPTIONS,
    "too-many-connection-options",
  ],
  [
    "bytes of a host",
    ofRequest,
    (size) => `GET / HTTP/1.1\r\n${hostOf(size)}\r\n`,
    255,
    "bad-host",
  ],
];

describe("a limit", () => {
  for (const [name, outcome, textOf, limit, rule] of LIMITS) {
    it(`of ${limit} ${name} accepts ${limit} and refuses ${limit + 1}`, () => {
      assert.equal(outcome(textOf(limit)), "whole");
      assert.equal(outcome(textOf(limit + 1)), rule);
    });
  }

  it("is a refusal by 414 for the request line and by 431 for the head", () => {
    const statusOf = (text: string): number | string => {
      const bytes = bytesOf(text);
      const result = new RequestParser().parse(bytes, 0, bytes.length);
      return typeof result === "string" ? result : result.status;
    };
    assert.equal(statusOf(lineOf(MAX_REQUEST_LINE_BYTES + 1)), 414);
    assert.equal(statusOf(filled(REQUEST, MAX_HEAD_BYTES + 1)), 431);
    assert.equal(statusOf(`${REQUEST}${fields(MAX_FIELDS)}\r\n`), 431);
    assert.equal(statusOf(`${REQUEST}${connectionOf(MAX_CONNECTION_OPTIONS + 1)}`), 431);
    assert.equal(statusOf(`${"M".repeat(MAX_METHOD_BYTES + 1)} `), 501);
    assert.equal(statusOf("M".repeat(MAX_METHOD_TOKEN_BYTES + 1)), 400);
  });

  it("refuses as soon as the bytes exceed it", () => {
    assert.equal(
      ofRequest(filled(REQUEST, MAX_HEAD_BYTES + 9).slice(0, MAX_HEAD_BYTES)),
      "long-head",
    );
    assert.equal(
      ofRequest(filled(REQUEST, MAX_HEAD_BYTES + 9).slice(0, MAX_HEAD_BYTES - 1)),
      "partial",
    );
    assert.equal(ofRequest(`${REQUEST}${fields(MAX_FIELDS - 1)}A`), "too-many-fields");
    const line = `GET /${"x".repeat(MAX_REQUEST_LINE_BYTES - "GET / HTTP/1.1".length)}`;
    assert.equal(ofRequest(line), "partial");
    assert.equal(ofRequest(`${line}x`), "long-request-line");
  });

  it("on fields counts a folded line once", () => {
    const folds = "A:\r\n b\r\n c\r\n";
    assert.equal(ofResponse(`${RESPONSE}${folds.repeat(MAX_FIELDS)}\r\n`), "whole");
    assert.equal(ofResponse(`${RESPONSE}${folds.repeat(MAX_FIELDS + 1)}\r\n`), "too-many-fields");
  });
});
