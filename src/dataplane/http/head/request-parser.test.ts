import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { bytesOf, linesOf, outcomeOf } from "#harness/parsed-heads.ts";
import { CHUNKED } from "./message-framing.ts";
import { RequestParser } from "./request-parser.ts";

const parse = (text: string): { readonly outcome: string; readonly parser: RequestParser } => {
  const parser = new RequestParser();
  const bytes = bytesOf(text);
  return { outcome: outcomeOf(parser.parse(bytes, 0, bytes.length)), parser };
};

/** A request with these field lines after Host. */
const get = (...lines: readonly string[]): string =>
  ["GET / HTTP/1.1", "Host: shop.example", ...lines, "", ""].join("\r\n");
const post = (...lines: readonly string[]): string => get(...lines).replace("GET", "POST");
const http10 = (...lines: readonly string[]): string =>
  ["GET / HTTP/1.0", ...lines, "", ""].join("\r\n");

type Told = Partial<Omit<RequestParser, "fields">>;

const ACCEPTED: readonly (readonly [name: string, text: string, told: Told])[] = [
  ["a request", get(), { method: "GET", form: "origin", authority: "shop.example", bodyLength: 0 }],
  ["one empty line before it", `\r\n${get()}`, { method: "GET", targetStart: 6 }],
  ["no white space after the colon", get("A:b"), {}],
  ["an empty value", get("A:", "B: \t "), {}],
  ["obs-text and tabs in a value", get("A: \xfc\t\xff"), {}],
  ["every byte of a token in a name", get("!#$%&'*+-.^_`|~09azAZ: x"), {}],
  ["a query", get().replace("/", '/a%20b?c=d|{}[]^"`\\'), { targetEnd: 23 }],
  ["hexadecimal digits of both cases", get().replace("/", "/%2f%2F%f0%0f"), { pathEnd: 17 }],
  ["a percent sign in a query", get().replace("/", "/?100%&a=%zz%00"), { pathEnd: 19 }],
  ["an unknown method", get().replace("GET", "M-SEARCH"), { method: "M-SEARCH" }],
  ["methods in their case", get().replace("GET", "get"), { method: "get", isIdempotent: false }],
  ["POST", post(), { method: "POST", isIdempotent: false, bodyLength: 0, hasFraming: false }],
  ["PUT", get().replace("GET", "PUT"), { isIdempotent: true }],
  ["PATCH", get().replace("GET", "PATCH"), { isIdempotent: false }],

  [
    "the absolute form",
    get().replace("/", "https://b.example/x?y"),
    { form: "absolute", authority: "b.example", pathStart: 21, pathEnd: 25 },
  ],
  [
    "an absolute form without path",
    get().replace("/", "HTTPS://B.example:8443"),
    { authority: "B.example:8443", pathStart: 26, pathEnd: 26 },
  ],
  [
    "an absolute form with a query only",
    get().replace("/", "https://b?x"),
    { authority: "b", pathStart: 13, pathEnd: 15 },
  ],
  ["an absolute form in HTTP/1.0", http10().replace("/", "https://b/"), { authority: "b" }],
  [
    "OPTIONS *",
    get().replace("GET /", "OPTIONS *"),
    { form: "asterisk", pathStart: 8, pathEnd: 9 },
  ],
  [
    "OPTIONS of an authority",
    get().replace("GET /", "OPTIONS https://b"),
    { form: "absolute", pathStart: 17, pathEnd: 17 },
  ],
  [
    "a target that only starts like the asterisk form",
    get().replace("GET /", "OPTIONS /*"),
    { form: "origin" },
  ],

  ["HTTP/1.0 without Host", http10(), { isHttp10: true, authority: "", wantsClose: true }],
  ["HTTP/1.0 with Host", http10("Host: a"), { authority: "a" }],
  [
    "a Host with a port",
    get().replace("shop.example", "shop.example:8443"),
    { authority: "shop.example:8443" },
  ],
  [
    "a Host with an empty port",
    get().replace("shop.example", "shop.example:"),
    { authority: "shop.example:" },
  ],
  ["an IPv4 Host", get().replace("shop.example", "192.0.2.1:1"), { authority: "192.0.2.1:1" }],
  [
    "an IPv6 Host",
    get().replace("shop.example", "[2001:db8::1]:443"),
    { authority: "[2001:db8::1]:443" },
  ],
  [
    "a Host with a trailing dot and upper case",
    get().replace("shop.example", "Shop_1.EXAMPLE."),
    { authority: "Shop_1.EXAMPLE." },
  ],

  ["a Content-Length", post("Content-Length: 12"), { bodyLength: 12, hasFraming: true }],
  ["a Content-Length of 0", post("Content-Length: 0"), { bodyLength: 0, hasFraming: true }],
  ["leading zeros", post("Content-Length: 0000000000000012"), { bodyLength: 12 }],
  [
    "the largest length",
    post("Content-Length: 9007199254740991"),
    { bodyLength: Number.MAX_SAFE_INTEGER },
  ],
  ["chunked", post("Transfer-Encoding: \tChunKed "), { bodyLength: CHUNKED, hasFraming: true }],

  ["a persistent connection", get("Connection: keep-alive"), { wantsClose: false }],
  ["Connection: close", get("Connection: Close"), { wantsClose: true }],
  ["close in a second field", get("Connection: a", "Connection: b, ,close"), { wantsClose: true }],
  ["close in a longer token", get("Connection: closed"), { wantsClose: false }],
  ["keep-alive in HTTP/1.0", http10("Connection: Keep-Alive"), { wantsClose: false }],
  [
    "keep-alive and close in HTTP/1.0",
    http10("Connection: keep-alive,close"),
    { wantsClose: true },
  ],
  ["Proxy-Connection in HTTP/1.0", http10("Proxy-Connection: keep-alive"), { wantsClose: true }],

  [
    "Expect with a body",
    post("Expect: 100-Continue", "Content-Length: 1"),
    { expectsContinue: true },
  ],
  [
    "Expect with a chunked body",
    post("Expect: 100-continue", "Transfer-Encoding: chunked"),
    { expectsContinue: true },
  ],
  ["Expect without a body", post("Expect: 100-continue"), { expectsContinue: false }],
  [
    "Expect with a length of 0",
    post("Expect: 100-continue", "Content-Length: 0"),
    { expectsContinue: false },
  ],
  [
    "Expect in HTTP/1.0",
    http10("Expect: 100-continue", "Content-Length: 1"),
    { expectsContinue: false },
  ],
  ["an unknown Expect in HTTP/1.0", http10("Expect: x"), { expectsContinue: false }],

  [
    "WebSocket",
    get("Connection: keep-alive, Upgrade", "Upgrade: WebSocket"),
    { upgrade: "websocket" },
  ],
  [
    "Upgrade before Connection",
    get("Upgrade: websocket", "Connection: upgrade"),
    { upgrade: "websocket" },
  ],
  ["Upgrade that Connection does not name", get("Upgrade: websocket"), { upgrade: "none" }],
  ["Connection: upgrade alone", get("Connection: upgrade"), { upgrade: "none" }],
  ["h2c", get("Connection: upgrade, http2-settings", "Upgrade: h2c"), { upgrade: "other" }],
  [
    "several protocols",
    get("Connection: upgrade", "Upgrade: websocket, h2c"),
    { upgrade: "other" },
  ],
  [
    "two Upgrade fields",
    get("Connection: upgrade", "Upgrade: websocket", "Upgrade: h2c", "A: websocket"),
    { upgrade: "other" },
  ],
  [
    "WebSocket by another method",
    post("Connection: upgrade", "Upgrade: websocket"),
    { upgrade: "other" },
  ],
  [
    "Upgrade with a body",
    get("Connection: upgrade", "Upgrade: websocket", "Content-Length: 1"),
    { upgrade: "none" },
  ],
  ["Upgrade in HTTP/1.0", http10("Connection: upgrade", "Upgrade: websocket"), { upgrade: "none" }],

  ["NTLM credentials", get("Authorization: NTLM TlRM"), { isBoundToConnection: true }],
  ["Negotiate credentials", get("Authorization: negotiate YII="), { isBoundToConnection: true }],
  ["Basic credentials", get("Authorization: Basic bnRsbTo="), { isBoundToConnection: false }],
];

describe("a request head", () => {
  for (const [name, text, told] of ACCEPTED) {
    it(`is accepted: ${name}`, () => {
      const { outcome, parser } = parse(text);
      assert.equal(outcome, "whole");
      const wanted = { ...told, headEnd: text.length };
      const found = Object.entries(parser).filter(([key]) => key in wanted);
      assert.deepEqual(Object.fromEntries(found), wanted);
    });
  }

  it("keeps its fields in order, without the white space around values", () => {
    const { parser } = parse(get("A:b", "UPPER: \t C d\t ", "Empty:  "));
    assert.deepEqual(linesOf(parser.fields), [
      "host: shop.example",
      "a: b",
      "upper: C d",
      "empty: ",
    ]);
  });

  it("ends before the next one, and the parser goes on there", () => {
    const bytes = bytesOf(`${post("Content-Length: 3")}abc\r\n${http10()}`);
    const parser = new RequestParser();
    assert.equal(parser.parse(bytes, 0, bytes.length), "whole");
    assert.equal(parser.bodyLength, 3);
    const from = parser.headEnd + parser.bodyLength;
    assert.equal(parser.parse(bytes, from, bytes.length), "whole");
    assert.equal(parser.bodyLength, 0);
    assert.ok(parser.isHttp10);
    assert.equal(parser.headEnd, bytes.length);
  });

  it("has the authority of its own, whatever the previous one was", () => {
    const parser = new RequestParser();
    for (const host of ["a.example", "b.example", "b.example", "B.example", "b.exampl", "a"]) {
      const bytes = bytesOf(get().replace("shop.example", host));
      assert.equal(parser.parse(bytes, 0, bytes.length), "whole");
      assert.equal(parser.authority, host);
    }
    const bytes = bytesOf(http10());
    assert.equal(parser.parse(bytes, 0, bytes.length), "whole");
    assert.equal(parser.authority, "");
  });

  it("can be forgotten when it is partial", () => {
    const parser = new RequestParser();
    assert.equal(parser.parse(bytesOf("POST /x HTTP/1.1\r\nHost: b\r\n"), 0, 26), "partial");
    parser.reset();
    const bytes = bytesOf(get());
    assert.equal(parser.parse(bytes, 0, bytes.length), "whole");
    assert.equal(parser.method, "GET");
    assert.equal(parser.fields.count, 1);
  });

  it("is not continued after a refusal", () => {
    const parser = new RequestParser();
    const bad = bytesOf("GET / HTTP/1.1\r\nHost: a\r\nContent-Length: x\r\n");
    assert.equal(outcomeOf(parser.parse(bad, 0, bad.length)), "bad-content-length");
    const bytes = bytesOf(get());
    assert.equal(parser.parse(bytes, 0, bytes.length), "whole");
  });
});
