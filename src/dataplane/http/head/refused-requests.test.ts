import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { bytesOf, outcomeOf } from "#harness/parsed-heads.ts";
import { RequestParser } from "./request-parser.ts";

const outcome = (text: string): string => {
  const bytes = bytesOf(text);
  return outcomeOf(new RequestParser().parse(bytes, 0, bytes.length));
};

const line = (text: string): string => `GET / HTTP/1.1\r\nHost: a\r\n${text}`;

/** The text ends where the fault can be seen: it is found without the rest of the head. */
const REFUSED: readonly (readonly [rule: string, ...texts: readonly string[]])[] = [
  [
    "bare-lf",
    "\n",
    "GET\n",
    "GET /\n",
    "GET / HTTP/1.1\n",
    "GET / HTTP\n",
    line("A: b\n"),
    line("A\n"),
    line("\n"),
    line("A:\n"),
    "\r\n\n",
  ],
  [
    "bare-cr",
    "\rG",
    "\r\r",
    "GET / HTTP/1.1\rH",
    line("A: b\rc"),
    line("A: b\r\r"),
    line("\rA"),
    line("A: b\r\n\rc"),
  ],
  ["empty-lines", "\r\n\r"],
  ["bad-method", " ", "GET\t", "GET\r", "G(", "G\0", "\x16", "\x80", "A".repeat(1_025)],
  ["long-method", `${"A".repeat(33)} `],
  ["trace-method", "TRACE "],
  ["connect-method", "CONNECT "],
  [
    "bad-target",
    "GET  ",
    "GET \t",
    "GET /\t",
    "GET /\0",
    "GET /\x7f",
    "GET /\x80",
    "GET /#",
    "GET * ",
    "PRI * ",
    "OPTIONS ** ",
    "GET x ",
    "GET shop.example:443 ",
    "GET https:/b ",
    "GET ://b ",
    "GET /%zz ",
    "GET /a%4 ",
    "GET /a%?b ",
    "GET /%u0041 ",
    "GET https://b/%4g ",
    "GET /a%00 ",
  ],
  ["bad-scheme", "GET http://b/ ", "GET httpss://b/ ", "GET wss://b/ "],
  [
    "bad-version",
    "GET /\r",
    "GET / \r",
    "GET / X",
    "GET / h",
    "GET / HTTP/1,",
    "GET / HTTP/11",
    "GET / HTTP/x",
    "GET /  ",
    "GET / HTTP/1.1 ",
    "GET / HTTP/1.10",
    "GET / HTTP/1.x",
  ],
  ["unknown-version", "GET / HTTP/1.2", "GET / HTTP/2.0", "GET / HTTP/0.9", "OPTIONS * HTTP/2.0"],
  ["space-before-field", "GET / HTTP/1.1\r\n ", "GET / HTTP/1.1\r\n\t"],
  ["obs-fold", line("A: b\r\n "), line("A: b\r\n\t")],
  ["space-before-colon", line("A "), line("A\t"), "GET / HTTP/1.1\r\nHost "],
  [
    "bad-field-name",
    line(":"),
    line("A\r"),
    line("A("),
    line("A\0"),
    line("A\xe4"),
    line("A;"),
    line('"'),
  ],
  [
    "bad-field-value",
    line("A: \0"),
    line("A: b\x01"),
    line("A: \x0b"),
    line("A: \x0c"),
    line("A: \x1f"),
    line("A: \x7f"),
    "GET / HTTP/1.1\r\nHost: a\0",
  ],
  ["no-host", "GET / HTTP/1.1\r\n\r\n", "GET https://b/ HTTP/1.1\r\n\r\n"],
  [
    "several-hosts",
    line("Host: a\r\n"),
    line("B: c\r\nhOST: b\r\n"),
    "GET / HTTP/1.0\r\nHost: a\r\nHost: a\r\n",
  ],
  [
    "bad-host",
    ...[
      "",
      " ",
      "a b",
      "a,b",
      "a/b",
      "a?b",
      "u@a",
      "u:p@a",
      "a:x",
      "a:65536",
      "a:000001",
      "a:-1",
      "a:1:2",
      ":443",
      ".",
      "-",
      "[::1",
      "[::1]x",
      "[]",
      "[1.2.3.4]",
      "[::1]:x",
      "[fe80::1%eth0]",
      "a%2eb",
      "a\xfc",
      "a;b",
      "a\\b",
      "a".repeat(256),
    ].map((host) => `GET / HTTP/1.1\r\nHost: ${host}\r\n`),
  ],
  [
    "bad-host",
    ...["", "u@a", "u:p@a", "a:x", "a\\b", "a%00", ":443", "@"].map(
      (host) => `GET https://${host}/ `,
    ),
    "GET https:// ",
  ],
  [
    "bad-content-length",
    ...[
      "",
      "+1",
      "-1",
      "1 2",
      "1x",
      "0x10",
      "1,1",
      "1, 1",
      ",1",
      "1.0",
      "1e3",
      "\xb2",
      "a",
      "9007199254740992",
      "99999999999999999999",
      "00000000000000001",
      '"1"',
    ].map((value) => line(`Content-Length: ${value}\r\n`)),
  ],
  [
    "several-content-lengths",
    line("Content-Length: 1\r\ncontent-length: 1\r\n"),
    line("Content-Length: 1\r\nContent-Length: 2\r\n"),
  ],
  [
    "length-with-transfer-encoding",
    line("Content-Length: 1\r\nTransfer-Encoding: chunked\r\n"),
    line("Transfer-Encoding: chunked\r\nContent-Length: 1\r\n"),
  ],
  [
    "bad-transfer-encoding",
    ...[
      "",
      ",",
      "chunked,",
      ",chunked",
      "chunked, chunked",
      "chunked,gzip",
      "gzip, chunked, chunked",
      "chunked;a=b",
      "chunked ;a",
      "chunked chunked",
      '"chunked"',
      "chunked\xa0",
      "xchunked",
      "gzip",
      "identity",
      "gzip;q=1, chunked",
      "gzip,,chunked",
      "gzip chunked",
    ].map((value) => line(`Transfer-Encoding: ${value}\r\n`)),
  ],
  [
    "several-transfer-encodings",
    line("Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n"),
    line("Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n"),
  ],
  [
    "unknown-transfer-coding",
    ...["gzip, chunked", "gzip ,\tdeflate , chunked", "identity,chunked"].map((value) =>
      line(`Transfer-Encoding: ${value}\r\n`),
    ),
  ],
  ["transfer-encoding-in-http-1.0", "GET / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n"],
  [
    "unknown-expectation",
    ...["", "x", "100", "100-continue, x", "100-continue=1"].map((value) =>
      line(`Expect: ${value}\r\n`),
    ),
  ],
  [
    "bad-connection",
    ...["a b", "close;x", '"close"', "a,(", "\xe4"].map((value) =>
      line(`Connection: ${value}\r\n`),
    ),
  ],
];

describe("a request head", () => {
  for (const [rule, ...texts] of REFUSED) {
    for (const text of texts) {
      it(`is refused by ${rule}: ${JSON.stringify(text.slice(0, 80))}`, () => {
        assert.equal(outcome(text), rule);
        assert.equal(outcome(text.slice(0, -1)), "partial");
      });
    }
  }
});
