import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { bytesOf, linesOf, outcomeOf } from "#harness/parsed-heads.ts";
import { CHUNKED, UNTIL_CLOSE } from "./message-framing.ts";
import { ResponseParser } from "./response-parser.ts";

const parse = (
  text: string,
  isHead = false,
): { readonly outcome: string; readonly parser: ResponseParser; readonly bytes: Buffer } => {
  const parser = new ResponseParser();
  const bytes = bytesOf(text);
  return { outcome: outcomeOf(parser.parse(bytes, 0, bytes.length, isHead)), parser, bytes };
};

const answer = (status: number, ...lines: readonly string[]): string =>
  [`HTTP/1.1 ${status} Reason`, ...lines, "", ""].join("\r\n");
const ok = (...lines: readonly string[]): string => answer(200, ...lines);
const http10 = (...lines: readonly string[]): string => ok(...lines).replace("1.1", "1.0");

type Told = Partial<Omit<ResponseParser, "fields">>;

const ACCEPTED: readonly (readonly [name: string, text: string, told: Told])[] = [
  [
    "an answer",
    ok("Content-Length: 5"),
    { status: 200, bodyLength: 5, contentLength: 5, keepsAlive: true, isHttp10: false },
  ],
  ["an empty reason", "HTTP/1.1 200 \r\n\r\n", { status: 200, reasonStart: 13, reasonEnd: 13 }],
  [
    "no space after the status",
    "HTTP/1.1 200\r\n\r\n",
    { status: 200, reasonStart: 12, reasonEnd: 12 },
  ],
  [
    "a reason with obs-text and a tab",
    "HTTP/1.1 404 \xfc\t x \r\n\r\n",
    { status: 404, reasonStart: 13, reasonEnd: 18 },
  ],
  ["a status of no class", answer(999), { status: 999 }],
  [
    "no fields",
    "HTTP/1.1 200 OK\r\n\r\n",
    { bodyLength: UNTIL_CLOSE, hasFraming: false, keepsAlive: false },
  ],
  [
    "chunked",
    ok("Transfer-Encoding: chunked"),
    { bodyLength: CHUNKED, hasFraming: true, contentLength: -1, keepsAlive: true },
  ],

  ["a repeated length", ok("Content-Length: 5", "Content-Length: 5"), { bodyLength: 5 }],
  [
    "a list of equal lengths",
    ok("Content-Length: 5 ,\t5", "Content-Length: 05"),
    { bodyLength: 5 },
  ],

  ["1xx", answer(103), { bodyLength: 0, contentLength: -1, hasFraming: false }],
  ["1xx with a length", answer(100, "Content-Length: 5"), { bodyLength: 0, contentLength: 5 }],
  ["101", answer(101, "Upgrade: websocket"), { status: 101, bodyLength: 0 }],
  [
    "204 with a length",
    answer(204, "Content-Length: 5"),
    { bodyLength: 0, contentLength: 5, keepsAlive: true },
  ],
  [
    "304 with a length",
    answer(304, "Content-Length: 5"),
    { bodyLength: 0, contentLength: 5, keepsAlive: true },
  ],
  [
    "304 with chunked",
    answer(304, "Transfer-Encoding: chunked"),
    { bodyLength: 0, hasFraming: true },
  ],
  ["205 without framing", answer(205), { bodyLength: UNTIL_CLOSE }],

  ["close", ok("Content-Length: 5", "Connection: close"), { keepsAlive: false }],
  ["HTTP/1.0", http10("Content-Length: 5"), { isHttp10: true, keepsAlive: false }],
  [
    "keep-alive in HTTP/1.0",
    http10("Content-Length: 5", "Connection: keep-alive"),
    { keepsAlive: true },
  ],
  [
    "keep-alive in HTTP/1.0 without a length",
    http10("Connection: keep-alive"),
    { keepsAlive: false },
  ],

  ["Keep-Alive", ok("Keep-Alive: timeout=5, max=100"), { keepAliveTimeoutMs: 5_000 }],
  [
    "Keep-Alive in another order",
    ok("Keep-Alive: max=100 ,Timeout=5;x"),
    { keepAliveTimeoutMs: 5_000 },
  ],
  ["Keep-Alive with a timeout of 0", ok("Keep-Alive: timeout=0"), { keepAliveTimeoutMs: 0 }],
  [
    "Keep-Alive with a huge timeout",
    ok(`Keep-Alive: timeout=${"9".repeat(400)}`),
    { keepAliveTimeoutMs: 86_400_000 },
  ],
  [
    "Keep-Alive without a timeout",
    ok("Keep-Alive: max=5, timeout, timeout=x"),
    { keepAliveTimeoutMs: undefined },
  ],

  ["a Date", ok("Date: Tue, 01 Jan 2030 00:00:00 GMT"), { hasDate: true }],
  ["no Date", ok(), { hasDate: false }],
  ["a challenge of NTLM", answer(401, "WWW-Authenticate: NTLM"), { isBoundToConnection: true }],
  [
    "Negotiate as a later challenge",
    answer(401, 'WWW-Authenticate: Basic realm="a, b", negotiate'),
    { isBoundToConnection: true },
  ],
  [
    "Negotiate in a second field",
    answer(407, "Proxy-Authenticate: Basic", "Proxy-Authenticate: Negotiate"),
    { isBoundToConnection: true },
  ],
  [
    "another challenge",
    answer(401, 'WWW-Authenticate: Basic realm="NTLM"'),
    { isBoundToConnection: false },
  ],
];

const line = (text: string): string => `HTTP/1.1 200 OK\r\n${text}`;

/** The text ends where the fault can be seen: it is found without the rest of the head. */
const REFUSED: readonly (readonly [rule: string, ...texts: readonly string[]])[] = [
  [
    "bad-status-line",
    "h",
    "\r",
    " ",
    "HTTP/1.1\t",
    "HTTP/1.1  ",
    "HTTP/1.1 2x",
    "HTTP/1.1 0",
    "HTTP/1.1 2000",
    "HTTP/1.1 200\t",
    "HTTP/1.1 200 O\0",
    "HTTP/1.1 200 O\x7f",
    "HTTP/1,",
    "HTTP/x",
    "ICY"[0] ?? "",
  ],
  ["unknown-version", "HTTP/1.2", "HTTP/2.0", "HTTP/0.9"],
  [
    "bare-lf",
    "\n",
    "HTTP/1.1\n",
    "HTTP/1.1 200\n",
    "HTTP/1.1 200 OK\n",
    line("A: b\n"),
    line("\n"),
  ],
  ["bare-cr", "HTTP/1.1 200 OK\rA", "HTTP/1.1 200\r\r", line("A: b\rc"), line("\rA")],
  ["space-before-field", line(" "), line("\t")],
  ["space-before-colon", line("A "), line("Content-Length\t")],
  ["bad-field-name", line(":"), line("A\0"), line("A\r"), line("A: b\r\n c\r\n:")],
  ["bad-field-value", line("A: \0"), line("A: b\r\n \0")],
  // A line may continue, so these faults are seen in the first byte of the next line.
  [
    "bad-content-length",
    ...["", "5,", ",5", "5,,5", "5 5", "+5", "5, x", "5;5"].map((value) =>
      line(`Content-Length: ${value}\r\nA`),
    ),
    line("Content-Length: 5\r\n 5\r\n\r"),
  ],
  [
    "several-content-lengths",
    line("Content-Length: 5, 6\r\nA"),
    line("Content-Length: 5\r\nContent-Length: 6\r\n\r"),
  ],
  [
    "length-with-transfer-encoding",
    line("Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r"),
    line("Transfer-Encoding: chunked\r\nContent-Length: 5\r\n\r"),
  ],
  [
    "several-transfer-encodings",
    line("Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r"),
  ],
  [
    "bad-transfer-encoding",
    line("Transfer-Encoding: gzip\r\n\r"),
    line("Transfer-Encoding: chunked, gzip\r\n\r"),
    line("Transfer-Encoding:\r\n\r"),
  ],
  ["unknown-transfer-coding", line("Transfer-Encoding: gzip, chunked\r\n\r")],
  ["transfer-encoding-in-http-1.0", "HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r"],
  [
    "transfer-encoding-without-body",
    "HTTP/1.1 204 N\r\nTransfer-Encoding: chunked\r\n\r",
    "HTTP/1.1 101 N\r\nTransfer-Encoding: chunked\r\n\r",
  ],
  ["bad-connection", line("Connection: a b\r\n\r")],
];

describe("the head of an answer", () => {
  for (const [name, text, told] of ACCEPTED) {
    it(`is accepted: ${name}`, () => {
      const { outcome, parser } = parse(text);
      assert.equal(outcome, "whole");
      const wanted = { ...told, headEnd: text.length };
      const found = Object.entries(parser).filter(([key]) => key in wanted);
      assert.deepEqual(Object.fromEntries(found), wanted);
    });
  }

  for (const [rule, ...texts] of REFUSED) {
    for (const text of texts) {
      it(`is refused by ${rule}: ${JSON.stringify(text)}`, () => {
        assert.equal(parse(text).outcome, rule);
        assert.equal(parse(text.slice(0, -1)).outcome, "partial");
      });
    }
  }

  it("of a HEAD request announces no body", () => {
    for (const framing of ["Content-Length: 5", "Transfer-Encoding: chunked", "A: b"]) {
      const { outcome, parser } = parse(ok(framing), true);
      assert.equal(outcome, "whole");
      assert.equal(parser.bodyLength, 0);
      assert.ok(parser.keepsAlive);
    }
    assert.equal(parse(ok("Content-Length: 5"), true).parser.contentLength, 5);
  });

  it("has folded lines joined by spaces, in its bytes too", () => {
    const { outcome, parser, bytes } = parse(
      ok(
        "A: b \r\n\t c\t\r\n  d ",
        "B:\r\n e",
        "C:\r\n \r\n\t",
        "D: \r\n x",
        "Content-Length:\r\n 7",
      ),
    );
    assert.equal(outcome, "whole");
    assert.deepEqual(linesOf(parser.fields), [
      "a: b     c\t    d",
      "b: e",
      "c: ",
      "d: x",
      "content-length: 7",
    ]);
    assert.equal(parser.bodyLength, 7);
    const text = bytes.toString("latin1");
    assert.doesNotMatch(text, /\r\n[ \t]/);
    assert.equal(text.split("\r\n").length, 1 + 5 + 2);
  });

  it("may follow an interim answer", () => {
    const bytes = bytesOf(`${answer(100)}${answer(103, "Link: x")}${ok("Content-Length: 0")}`);
    const parser = new ResponseParser();
    const statuses: number[] = [];
    for (let from = 0; from < bytes.length; from = parser.headEnd) {
      assert.equal(parser.parse(bytes, from, bytes.length, false), "whole");
      statuses.push(parser.status);
    }
    assert.deepEqual(statuses, [100, 103, 200]);
  });
});
