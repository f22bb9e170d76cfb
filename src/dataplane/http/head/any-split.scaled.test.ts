import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { decodeChunks } from "#harness/decoded-chunks.ts";
import {
  type Below,
  makeChunkedBody,
  makeRequest,
  makeResponse,
  mutated,
} from "#harness/http-messages.ts";
import { bytesOf, describeRequest, describeResponse } from "#harness/parsed-heads.ts";
import { randomBelow } from "#harness/random.ts";
import { scaled } from "#harness/run-length.ts";
import { RequestParser } from "./request-parser.ts";
import type { HeadResult } from "./head-refusal.ts";
import { ResponseParser } from "./response-parser.ts";

const RUNS = { numRuns: scaled({ short: 1_500, long: 50_000 }) };

interface Reading {
  readonly told: object;
  /** How many bytes had been given when the result was known. */
  readonly given: number;
}

/**
 * Gives a parser the text in pieces that end at the offsets `ends`. The head is copied for each piece, to another offset and
 * between other bytes.
 */
function read(text: string, ends: readonly number[], parse: Parse, tell: Tell): Reading {
  let known = Buffer.alloc(0);
  let result: HeadResult = "partial";
  let told: object = {};
  for (const [index, end] of ends.entries()) {
    const from = (index * 7) % 5;
    const bytes = Buffer.concat([
      Buffer.from("\r\n\r\n".slice(0, from)),
      known,
      bytesOf(text.slice(known.length, end)),
      Buffer.from("\n\0"),
    ]);
    result = parse(bytes, from, from + end);
    told = tell(result, bytes, from);
    // The parser of answers may have changed the bytes.
    known = bytes.subarray(from, from + end);
    if (result !== "partial") break;
  }
  return { told, given: known.length };
}

type Parse = (bytes: Buffer, from: number, to: number) => HeadResult;
type Tell = (result: HeadResult, bytes: Buffer, from: number) => object;
type Reader = (text: string, ends: readonly number[]) => Reading;

const readRequest: Reader = (text, ends) => {
  const parser = new RequestParser();
  return read(
    text,
    ends,
    (bytes, from, to) => parser.parse(bytes, from, to),
    (result, bytes, from) => describeRequest(parser, result, bytes, from),
  );
};
const readResponse: Reader = (text, ends) => {
  const parser = new ResponseParser();
  return read(
    text,
    ends,
    (bytes, from, to) => parser.parse(bytes, from, to, text.length % 5 === 0),
    (result, bytes, from) => describeResponse(parser, result, bytes, from),
  );
};

const everyOffset = (text: string): readonly number[] =>
  Array.from({ length: text.length }, (_, index) => index + 1);

const endsOf = (text: string, cuts: readonly number[]): readonly number[] =>
  [...new Set([...cuts.map((cut) => cut % (text.length + 1)), text.length])].toSorted(
    (one, other) => one - other,
  );

const cutsArbitrary = fc.array(fc.nat({ max: 400 }), { maxLength: 12 });
const seeds = fc.integer({ min: 0 });

const HEADS: readonly (readonly [string, Reader, (next: Below) => string])[] = [
  ["a request", readRequest, makeRequest],
  ["an answer", readResponse, makeResponse],
];

for (const [name, reader, make] of HEADS) {
  describe(`the head of ${name}`, () => {
    it("means the same in any pieces", () => {
      fc.assert(
        fc.property(seeds, cutsArbitrary, (seed, cuts) => {
          const text = make(randomBelow(seed));
          const whole = reader(text, [text.length]);
          assert.deepEqual(reader(text, endsOf(text, cuts)).told, whole.told);
        }),
        RUNS,
      );
    });

    it("means the same byte by byte, and is partial at each byte before its end or fault", () => {
      fc.assert(
        fc.property(seeds, (seed) => {
          const text = make(randomBelow(seed));
          const whole = reader(text, [text.length]);
          const slow = reader(text, everyOffset(text));
          assert.deepEqual(slow.told, whole.told);
          // A parser that gets all bytes up to the last one at once does not see more than the slow one.
          const early = reader(text, [slow.given - 1]);
          if (slow.given < text.length) assert.deepEqual(early.told, { outcome: "partial" });
        }),
        RUNS,
      );
    });
  });
}

describe("a chunked body", () => {
  it("means the same in any pieces and byte by byte", () => {
    fc.assert(
      fc.property(seeds, cutsArbitrary, (seed, cuts) => {
        const next = randomBelow(seed);
        const text = `${mutated(next, makeChunkedBody(next))}${next(2) === 0 ? "GET /" : ""}`;
        const piecesOf = (ends: readonly number[]): readonly Buffer[] =>
          ends.map((end, index) => bytesOf(text.slice(ends[index - 1] ?? 0, end)));
        const whole = decodeChunks([bytesOf(text)]);
        assert.deepEqual(decodeChunks(piecesOf(endsOf(text, cuts))), whole);
        assert.deepEqual(decodeChunks(piecesOf(everyOffset(text))), whole);
      }),
      RUNS,
    );
  });
});
