/** What RFC 9112 requires of a recipient that parses messages, and what the grammar does where it has a choice. */
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { decodeChunks } from "#harness/decoded-chunks.ts";
import { bytesOf, outcomeOf } from "#harness/parsed-heads.ts";
import { CHUNKED, UNTIL_CLOSE } from "./message-framing.ts";
import { RequestParser } from "./request-parser.ts";
import { ResponseParser } from "./response-parser.ts";

/** Returns the length of the body, or why there is none. */
const request = (text: string): number | string => {
  const parser = new RequestParser();
  const bytes = bytesOf(text);
  const result = parser.parse(bytes, 0, bytes.length);
  return result === "whole" ? parser.bodyLength : outcomeOf(result);
};
const response = (text: string, isHead = false): number | string => {
  const parser = new ResponseParser();
  const bytes = bytesOf(text);
  const result = parser.parse(bytes, 0, bytes.length, isHead);
  return result === "whole" ? parser.bodyLength : outcomeOf(result);
};
const chunks = (text: string): string => {
  const decoded = decodeChunks([bytesOf(text)]);
  return decoded.outcome === "end" ? decoded.data : decoded.outcome;
};

const get = (lines: string, version = "1.1"): string =>
  `GET / HTTP/${version}\r\nHost: a\r\n${lines}\r\n`;
const ok = (lines: string, version = "1.1"): string => `HTTP/${version} 200 OK\r\n${lines}\r\n`;

const SENTENCES: readonly (readonly [
  sentence: string,
  ...cases: readonly (readonly [found: number | string, wanted: number | string])[],
])[] = [
  [
    "2.2: A recipient parses octets in a superset of ASCII, not characters of a multibyte encoding.",
    [request(get("A: \xe5\x98\x8a\xe5\x98\x8d\r\n")), 0],
  ],
  [
    "2.2: A recipient that takes a bare CR for anything but an error could be fooled. It is refused.",
    [request(get("A: b\rc\r\n")), "bare-cr"],
    [response(ok("A: b\rc\r\n")), "bare-cr"],
    [chunks("1\ra\r\n"), "bare-cr"],
  ],
  [
    "2.2: A recipient may take a single LF for the end of a line. It is refused.",
    [request(get("A: b\n")), "bare-lf"],
    [response(ok("A: b\n")), "bare-lf"],
    [chunks("1\na\r\n"), "bare-lf"],
  ],
  [
    "2.2: White space between the start line and the first field is rejected, or its lines are dropped.",
    [request("GET / HTTP/1.1\r\n Host: a\r\n\r\n"), "space-before-field"],
    [response("HTTP/1.1 200 OK\r\n A: b\r\n\r\n"), "space-before-field"],
  ],
  [
    "2.2: A server ignores at least one empty line before the request line.",
    [request(`\r\n${get("")}`), 0],
  ],
  [
    "2.3: The name of the protocol is case-sensitive.",
    [request("GET / http/1.1\r\n"), "bad-version"],
    [response("http/1.1 200\r\n\r\n"), "bad-status-line"],
  ],
  [
    "3: A server rejects an invalid request line, and does not repair it.",
    [request("GET  / HTTP/1.1\r\n"), "bad-target"],
    [request("GET /a b HTTP/1.1\r\n"), "bad-version"],
    [request("GET / HTTP/1.1 \r\n"), "bad-version"],
  ],
  [
    "3: A method that is longer than any that is known gets 501.",
    [request(`${"M".repeat(40)} `), "long-method"],
  ],
  [
    "3: A target that is too long gets 414.",
    [request(`GET /${"x".repeat(20_000)}`), "long-request-line"],
  ],
  [
    "3.2: A request of HTTP/1.1 without Host, with several, or with an invalid one gets 400.",
    [request("GET / HTTP/1.1\r\n\r\n"), "no-host"],
    [request(get("Host: a\r\n")), "several-hosts"],
    [request("GET / HTTP/1.1\r\nHost: a b\r\n\r\n"), "bad-host"],
    [request("GET / HTTP/1.1\r\nHost: .a\r\n\r\n"), "bad-host"],
    [request("GET / HTTP/1.1\r\nHost: a..b\r\n\r\n"), "bad-host"],
    [request("GET / HTTP/1.1\r\nHost: a..:443\r\n\r\n"), "bad-host"],
  ],
  [
    "3.2.2: A server accepts the absolute form, although most clients send it to proxies only.",
    [request("GET https://a/ HTTP/1.1\r\nHost: b\r\n\r\n"), 0],
  ],
  [
    "3.2.4: The asterisk form is for OPTIONS only.",
    [request("GET * HTTP/1.1\r\n"), "bad-target"],
    [request("OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n"), 0],
  ],
  [
    "4: A reason phrase may be absent, and its content is ignored.",
    [response("HTTP/1.1 204 \r\n\r\n"), 0],
    [response("HTTP/1.1 204 Not Found\r\n\r\n"), 0],
  ],
  [
    "5.1: A server rejects white space between a name and the colon. A proxy does not forward it from an answer.",
    [request(get("A : b\r\n")), "space-before-colon"],
    [response(ok("A\t: b\r\n")), "space-before-colon"],
  ],
  [
    "5.1: White space around a value is not part of it.",
    [request(get("Content-Length: \t 3 \t\r\n")), 3],
    [response(ok("Content-Length:3\r\n")), 3],
  ],
  [
    "5.2: A server rejects a folded line, or replaces the fold by spaces. A proxy replaces it in an answer.",
    [request(get("A: b\r\n c\r\n")), "obs-fold"],
    [response(ok("Content-Length:\r\n\t3\r\n")), 3],
  ],
  [
    "6.1: `chunked` is applied once at most.",
    [request(get("Transfer-Encoding: chunked, chunked\r\n")), "bad-transfer-encoding"],
    [response(ok("Transfer-Encoding: chunked, chunked\r\n")), "bad-transfer-encoding"],
  ],
  [
    "6.1: A server that does not know a coding answers 501.",
    [request(get("Transfer-Encoding: gzip, chunked\r\n")), "unknown-transfer-coding"],
  ],
  [
    "6.1: Transfer-Encoding in HTTP/1.0 is faulty framing.",
    [request(get("Transfer-Encoding: chunked\r\n", "1.0")), "transfer-encoding-in-http-1.0"],
    [response(ok("Transfer-Encoding: chunked\r\n", "1.0")), "transfer-encoding-in-http-1.0"],
  ],
  [
    "6.1: There is no Transfer-Encoding in a 1xx or a 204.",
    [
      response("HTTP/1.1 204 A\r\nTransfer-Encoding: chunked\r\n\r\n"),
      "transfer-encoding-without-body",
    ],
    [
      response("HTTP/1.1 103 A\r\nTransfer-Encoding: chunked\r\n\r\n"),
      "transfer-encoding-without-body",
    ],
  ],
  [
    "6.3 rule 1: Answers to HEAD, 1xx, 204 and 304 end with the empty line, whatever their fields say.",
    [response(ok("Content-Length: 3\r\n"), true), 0],
    [response("HTTP/1.1 304 A\r\nContent-Length: 3\r\n\r\n"), 0],
    [response("HTTP/1.1 103 A\r\nContent-Length: 3\r\n\r\n"), 0],
  ],
  [
    "6.3 rule 3: Both Content-Length and Transfer-Encoding may be an attack, and are an error.",
    [
      request(get("Content-Length: 3\r\nTransfer-Encoding: chunked\r\n")),
      "length-with-transfer-encoding",
    ],
    [
      response(ok("Transfer-Encoding: chunked\r\nContent-Length: 3\r\n")),
      "length-with-transfer-encoding",
    ],
  ],
  [
    "6.3 rule 4: If the last coding is `chunked`, the body is chunked. If it is not, the request gets 400.",
    [request(get("Transfer-Encoding: chunked\r\n")), CHUNKED],
    [response(ok("Transfer-Encoding: chunked\r\n")), CHUNKED],
    [request(get("Transfer-Encoding: gzip\r\n")), "bad-transfer-encoding"],
    [request(get("Transfer-Encoding: chunked, gzip\r\n")), "bad-transfer-encoding"],
  ],
  [
    "6.3 rule 5: An invalid Content-Length is unrecoverable, unless it is a list of the same valid value.",
    [request(get("Content-Length: 3x\r\n")), "bad-content-length"],
    [request(get("Content-Length: 3, 3\r\n")), "bad-content-length"],
    [response(ok("Content-Length: 3x\r\n")), "bad-content-length"],
    [response(ok("Content-Length: 3, 4\r\n")), "several-content-lengths"],
    [response(ok("Content-Length: 3, 3\r\n")), 3],
  ],
  ["6.3 rule 6: A valid Content-Length is the length.", [request(get("Content-Length: 3\r\n")), 3]],
  ["6.3 rule 7: A request without both has no body.", [request(get("")), 0]],
  ["6.3 rule 8: An answer without both ends with the connection.", [response(ok("")), UNTIL_CLOSE]],
  [
    "7.1: A recipient parses the chunked coding, and anticipates large sizes.",
    [chunks("3\r\nabc\r\n0\r\n\r\n"), "abc"],
    [chunks("fffffffffffffffff\r\n"), "bad-chunk-size"],
    [chunks("ffffffffffffffff\r\n"), "bad-chunk-size"],
  ],
  [
    "7.1.1: A recipient ignores extensions that it does not know, and limits their length.",
    [chunks('3 ; a = "b\\"" ;c\r\nabc\r\n0\r\n\r\n'), "abc"],
    [chunks(`3;${"a".repeat(300)}`), "long-chunk-extension"],
  ],
  [
    "7.1.2: Trailers are fields.",
    [chunks("0\r\nA: b\r\n\r\n"), ""],
    [chunks("0\r\n0\r\nGET / HTTP/1.1\r\n\r\n"), "bad-field-name"],
  ],
  [
    "7.1: A body is not over before its last chunk and its trailers.",
    [chunks("3\r\nabc\r\n"), "more"],
    [chunks("0\r\nA: b\r\n"), "more"],
  ],
];

describe("RFC 9112", () => {
  for (const [sentence, ...cases] of SENTENCES) {
    it(sentence, () => {
      for (const [found, wanted] of cases) assert.equal(found, wanted);
    });
  }
});
