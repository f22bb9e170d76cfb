import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { decodeChunks, type Decoded } from "#harness/decoded-chunks.ts";
import { bytesOf } from "#harness/parsed-heads.ts";
import { MAX_FIELDS, MAX_HEAD_BYTES } from "../head/head-fields.ts";
import {
  ChunkedDecoder,
  MAX_BODY_EXTENSION_BYTES,
  MAX_EXTENSION_BYTES,
} from "./chunked-decoder.ts";

const decode = (text: string): Decoded => decodeChunks([bytesOf(text)]);

const ACCEPTED: readonly (readonly [name: string, text: string, data: string])[] = [
  ["no data", "0\r\n\r\n", ""],
  ["a chunk", "5\r\nhello\r\n0\r\n\r\n", "hello"],
  ["several chunks", "1\r\na\r\n00a\r\n0123456789\r\n0\r\n\r\n", "a0123456789"],
  [
    "hexadecimal digits in both cases",
    `1a\r\n${"x".repeat(26)}\r\n0B\r\n${"y".repeat(11)}\r\n0\r\n\r\n`,
    "x".repeat(26) + "y".repeat(11),
  ],
  ["data that looks like framing", "7\r\n\r\n0\r\n\r\n\r\n0\r\n\r\n", "\r\n0\r\n\r\n"],
  ["a last chunk of several zeros", "000\r\n\r\n", ""],
  ["16 digits", "0000000000000001\r\na\r\n0000000000000000\r\n\r\n", "a"],
  ["extensions", '1;a\r\nb\r\n1;a=b;c="d \\" \xfc;"\r\nb\r\n0;x\r\n\r\n', "bb"],
  ["white space around the parts of an extension", "1 ;\ta = b ; c\r\nb\r\n0\r\n\r\n", "b"],
  ["trailers", "0\r\nA: b\r\nC:\r\n\r\n", ""],
];

/** The text ends where the fault can be seen. */
const REFUSED: readonly (readonly [rule: string, ...texts: readonly string[]])[] = [
  [
    "bad-chunk-size",
    "g",
    "\r",
    " ",
    "\t",
    ";",
    "-",
    "+",
    "5\r\nhello\r\n\r",
    "0x",
    "5,",
    "1_",
    "\xb2",
    "00000000000000000",
    "20000000000000",
    "ffffffffffffff",
  ],
  [
    "bad-chunk-extension",
    "5 \r",
    "5\t\r",
    "5 5",
    "5;\r",
    "5;;",
    "5;a=\r",
    "5;a=;",
    "5;a \r",
    "5;a=b \r",
    "5;a=b c",
    "5;a b",
    '5;a="\r',
    '5;a="b\\\r',
    '5;a="b"c',
    "5;a\0",
    "5;a\x7f",
    "5;(",
    '5;a="\0',
    "5;=",
    "5;\xfc",
  ],
  [
    "bare-lf",
    "\n",
    "5\n",
    "5;a\n",
    "5 \n",
    '5;a="\n',
    "5\r\nhello\n",
    "0\r\n\n",
    "0\r\nA: b\n",
    "0\r\nA: b\r\n\n",
  ],
  [
    "bare-cr",
    "5\rh",
    "5\r\r",
    "5;a\r5",
    "5\r\nhello\r5",
    "0\r\n\r0",
    "0\r\nA: b\r\n\r0",
    "0\r\nA: b\rc",
  ],
  ["bad-chunk-end", "5\r\nhello0", "5\r\nhellox", "5\r\nhello "],
  ["bad-field-name", "0\r\n0\r", "0\r\n:", "0\r\nA\r"],
  ["space-before-colon", "0\r\nA ", "0\r\nGET "],
  ["space-before-field", "0\r\n ", "0\r\n\t"],
  ["obs-fold", "0\r\nA: b\r\n "],
  ["bad-field-value", "0\r\nA: \0"],
];

const trailersOf = (count: number): string => `0\r\n${"A: b\r\n".repeat(count)}\r\n`;
const trailerOf = (bytes: number): string => `0\r\nA: ${"x".repeat(bytes - 7)}\r\n\r\n`;
const extensionOf = (bytes: number): string => `0;${"x".repeat(bytes - 1)}\r\n\r\n`;
/** Builds a body in chunks. Its extensions have `bytes` bytes more than its data, and those of each chunk 128 bytes more. */
const floodOf = (bytes: number): string => {
  const chunk = `1;${"x".repeat(128)}\r\na\r\n`;
  const chunks = (bytes - 1) >> 7;
  return `${chunk.repeat(chunks)}0;${"x".repeat(bytes - 128 * chunks - 1)}\r\n\r\n`;
};
const sizeOf = (size: number): string => `${size.toString(16)}\r\n`;

const LIMITS: readonly (readonly [
  name: string,
  textOf: (size: number) => string,
  limit: number,
  rule: string,
])[] = [
  ["trailers", trailersOf, MAX_FIELDS, "too-many-fields"],
  ["bytes of trailers", trailerOf, MAX_HEAD_BYTES, "long-head"],
  ["bytes of extensions in a chunk", extensionOf, MAX_EXTENSION_BYTES, "long-chunk-extension"],
  [
    "bytes of extensions beside the data",
    floodOf,
    MAX_BODY_EXTENSION_BYTES,
    "long-chunk-extension",
  ],
];

describe("a chunked body", () => {
  for (const [name, text, data] of ACCEPTED) {
    it(`is accepted: ${name}`, () => {
      const decoded = decode(`${text}GET / HTTP/1.1\r\n`);
      assert.equal(decoded.outcome, "end");
      assert.equal(decoded.data, data);
      assert.equal(decoded.bodyBytes, text.length);
    });
  }

  for (const [rule, ...texts] of REFUSED) {
    for (const text of texts) {
      it(`is refused by ${rule}: ${JSON.stringify(text)}`, () => {
        assert.equal(decode(text).outcome, rule);
        assert.equal(decode(text.slice(0, -1)).outcome, "more");
      });
    }
  }

  for (const [name, textOf, limit, rule] of LIMITS) {
    it(`has at most ${limit} ${name}`, () => {
      assert.equal(decode(textOf(limit)).outcome, "end");
      assert.equal(decode(textOf(limit + 1)).outcome, rule);
    });
  }

  it("may have a chunk of 2^53-1 bytes, and none of 2^53", () => {
    assert.equal(decode(sizeOf(Number.MAX_SAFE_INTEGER)).outcome, "more");
    assert.equal(decode(sizeOf(Number.MAX_SAFE_INTEGER + 1)).outcome, "bad-chunk-size");
  });

  it("has trailers without the fields that must not be there", () => {
    const allowed = ["Server-Timing: x", "X-Checksum: y", "ETag: z", "Grpc-Status: 0"];
    const forbidden = [
      ...["Host: x", "Content-Length: 5", "Content_Length: 5", "Transfer-Encoding: chunked"],
      ...["Trailer: x", "TE: x", "Connection: x", "Upgrade: x", "Keep-Alive: x", "Expect: x"],
      ...["Authorization: x", "Proxy-Authorization: x", "WWW-Authenticate: x", "Cookie: x"],
      ...["Set-Cookie: x", "Content-Type: x", "Content-Encoding: x", "Content-Range: x"],
      ...["Range: x", "If-Match: x", "Cache-Control: x", "Max-Forwards: x", "Location: x"],
      ...["Date: x", "Age: x", "Expires: x", "Retry-After: x", "Vary: x", "Warning: x"],
      ...["X-Forwarded-For: x", "x_real_ip: x", "X-Request-Id: x", "Client-Cert: x", "X-TLS-A: x"],
      ...["Forwarded: x", "X-JA4: x"],
    ];
    const { markedTrailers: trailers } = decode(
      `0\r\n${[...allowed, ...forbidden].join("\r\n")}\r\n\r\n`,
    );
    const isMarked = (line: string): boolean => line.startsWith("-");
    assert.deepEqual(
      trailers.filter((line) => !isMarked(line)),
      allowed.map((line) => line.replace(/^[^:]+/, (name) => name.toLowerCase())),
    );
    assert.equal(trailers.filter(isMarked).length, forbidden.length);
  });

  it("gives data as it arrives", () => {
    const decoder = new ChunkedDecoder();
    const bytes = bytesOf("5\r\nhello\r\n0\r\n\r\n");
    assert.equal(decoder.step(bytes, 0, 5), 5);
    assert.equal(decoder.found, "data");
    assert.deepEqual([decoder.dataStart, decoder.dataEnd], [3, 5]);
    assert.equal(decoder.step(bytes, 5, 5), 5);
    assert.equal(decoder.found, "more");
    assert.equal(decoder.step(bytes, 5, bytes.length), 8);
    assert.deepEqual([decoder.dataStart, decoder.dataEnd], [5, 8]);
    assert.equal(decoder.step(bytes, 8, bytes.length), bytes.length);
    assert.equal(decoder.found, "end");
  });

  it("leaves nothing behind for the next one", () => {
    const decoder = new ChunkedDecoder();
    const flood = bytesOf(floodOf(MAX_BODY_EXTENSION_BYTES));
    for (const text of ["0\r\nA: b\r\n\r\n", "5\r\nhel", "0\r\nA: b", trailerOf(60_000)]) {
      decodeChunks([bytesOf(text)], decoder);
      assert.equal(decodeChunks([flood], decoder).outcome, "end");
      assert.deepEqual(decodeChunks([bytesOf("1\r\na\r\n0\r\n\r\n")], decoder), {
        outcome: "end",
        data: "a",
        bodyBytes: 11,
        trailers: [],
        markedTrailers: [],
      });
    }
  });
});
