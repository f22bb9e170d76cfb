import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { bytesOf, outcomeOf } from "#harness/parsed-heads.ts";
import type { HeadResult } from "./head-refusal.ts";
import { RequestParser } from "./request-parser.ts";
import { ResponseParser } from "./response-parser.ts";

/** A buffer that counts how often one of its bytes is read. */
class CountedBytes {
  reads = 0;
  readonly bytes: Buffer;

  constructor(bytes: Buffer) {
    this.bytes = new Proxy(bytes, {
      get: (target, key): unknown => {
        if (typeof key === "string" && key >= "0" && key < ":") this.reads += 1;
        const value: unknown = Reflect.get(target, key, target);
        return typeof value === "function" ? value.bind(target) : value;
      },
    });
  }
}

type Parse = (bytes: Buffer, from: number, to: number) => HeadResult;

/** Returns the number of reads for each byte of a head that arrives byte by byte. */
function readsPerByte(text: string, parse: Parse, outcome: string): number {
  const counted = new CountedBytes(bytesOf(text));
  let result: HeadResult = "partial";
  for (let to = 1; to <= text.length && result === "partial"; to += 1) {
    result = parse(counted.bytes, 0, to);
  }
  assert.equal(outcomeOf(result), outcome);
  return counted.reads / text.length;
}

const ofRequest = (text: string, outcome = "whole"): number => {
  const parser = new RequestParser();
  return readsPerByte(text, (bytes, from, to) => parser.parse(bytes, from, to), outcome);
};
const ofResponse = (text: string, outcome = "whole"): number => {
  const parser = new ResponseParser();
  return readsPerByte(text, (bytes, from, to) => parser.parse(bytes, from, to, false), outcome);
};

const requestOf = (lines: string): string => `GET / HTTP/1.1\r\nHost: a\r\n${lines}\r\n`;
const responseOf = (lines: string): string => `HTTP/1.1 200 OK\r\n${lines}\r\n`;

/** A quarter of the limit of a head. */
const LONG = 16_000;
const SHAPES: readonly (readonly [name: string, lines: string])[] = [
  ["one long value", `A: ${"x".repeat(LONG)}\r\n`],
  ["white space around a value", `A: ${" ".repeat(LONG / 2)}x${"\t".repeat(LONG / 2)}\r\n`],
  ["white space only", `A:${" ".repeat(LONG)}\r\n`],
  ["white space between words", `A: ${`x${" ".repeat(500)}`.repeat(30)}\r\n`],
  ["one long name", `${"x".repeat(LONG)}: a\r\n`],
  ["names like forged ones", `x-forwarded-${"a".repeat(500)}: b\r\n`.repeat(90)],
  ["a list of empty Connection options", `Connection: ${",".repeat(LONG)}\r\n`],
  [
    "options that are nearly names",
    `Connection: ${`${"x".repeat(300)}y,`.repeat(99)}\r\n${`${"x".repeat(300)}z: a\r\n`.repeat(90)}`,
  ],
  ["credentials of many elements", `Authorization: ${"a, ".repeat(LONG / 3)}\r\n`],
];

describe("the cost of a head that arrives byte by byte", () => {
  for (const [name, lines] of SHAPES) {
    it(`is linear for ${name}`, () => {
      assert.ok(ofRequest(requestOf(lines)) < 8);
      assert.ok(ofResponse(responseOf(lines)) < 8);
    });
  }

  it("is linear for a long target and a long reason", () => {
    const target = `GET /${"x".repeat(LONG)} HTTP/1.1\r\nHost: a\r\n\r\n`;
    assert.ok(ofRequest(target) < 5);
    assert.ok(ofResponse(`HTTP/1.1 200 ${"x".repeat(LONG)}\r\n\r\n`) < 5);
  });

  it("is linear for folded lines", () => {
    for (const fold of ["\r\n ", "\r\n x", "\r\n \t"]) {
      assert.ok(ofResponse(responseOf(`A: b${fold.repeat(LONG / 4)}\r\n`)) < 8);
      assert.ok(ofResponse(responseOf(`A:${fold.repeat(LONG / 4)}\r\n`)) < 8);
    }
  });

  it("is linear for lists of lengths and codings", () => {
    assert.ok(ofResponse(responseOf(`Content-Length: ${"5, ".repeat(LONG / 3)}5\r\n`)) < 8);
    const codings = `Transfer-Encoding: ${"gzip, ".repeat(LONG / 6)}chunked\r\n`;
    assert.ok(ofRequest(requestOf(codings), "unknown-transfer-coding") < 8);
  });
});
