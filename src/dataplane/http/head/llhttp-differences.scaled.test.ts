/** Compares the parsers with llhttp on generated messages. Each difference is one of the tables below. */
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { decodeChunks } from "#harness/decoded-chunks.ts";
import { type Below, makeRequest, makeResponse } from "#harness/http-messages.ts";
import { Llhttp, type MessageReading } from "#harness/llhttp.ts";
import { bytesOf, outcomeOf, plainLinesOf } from "#harness/parsed-heads.ts";
import { randomBelow } from "#harness/random.ts";
import { scaled } from "#harness/run-length.ts";
import type { HeadRule } from "./head-refusal.ts";
import { CHUNKED, UNTIL_CLOSE } from "./message-framing.ts";
import { RequestParser } from "./request-parser.ts";
import { ResponseParser } from "./response-parser.ts";

const INPUTS = scaled({ short: 15_000, long: 150_000 });

/** The rules by which messages are refused that llhttp accepts, and why. */
const STRICTER: ReadonlyMap<string, string> = new Map<HeadRule, string>([
  ["bad-host", "llhttp does not look into Host (RFC 9112 section 3.2)."],
  ["no-host", "llhttp does not look into Host (RFC 9112 section 3.2)."],
  ["several-hosts", "llhttp does not look into Host (RFC 9112 section 3.2)."],
  ["bad-scheme", "A request over TLS is for https."],
  [
    "bad-target",
    "llhttp accepts fragments, user names, bad escapes, and any form with any method.",
  ],
  ["connect-method", "The director is no tunnel."],
  ["trace-method", "TRACE would show fields that the director adds."],
  ["unknown-version", "llhttp accepts HTTP/0.9 and HTTP/2.0 as a version of a message."],
  ["bad-version", "llhttp accepts requests of HTTP/0.9, which have no version."],
  ["bare-cr", "llhttp ignores any number of CR before a request line, and accepts CR in a reason."],
  ["bare-lf", "llhttp ignores any number of LF before a request line."],
  ["empty-lines", "llhttp ignores any number of empty lines before a request line."],
  ["bad-status-line", "llhttp accepts control characters in a reason, and a status below 100."],
  ["bad-connection", "llhttp ignores what is not an option."],
  ["unknown-expectation", "llhttp does not look into Expect (RFC 9110 section 10.1.1)."],
  ["bad-content-length", "llhttp accepts lengths up to 2^64-1."],
  ["bad-transfer-encoding", "llhttp accepts empty elements, and in answers any list of codings."],
  ["several-transfer-encodings", "llhttp joins the fields."],
  ["unknown-transfer-coding", "llhttp accepts any coding before `chunked`."],
  ["transfer-encoding-in-http-1.0", "RFC 9112 section 6.1 takes the framing as faulty."],
  ["transfer-encoding-without-body", "RFC 9112 section 6.1 forbids it."],
  ["bad-chunk-extension", "llhttp accepts extensions without a name."],
  ["bad-chunk-size", "llhttp ignores CR before a size."],
]);

interface Looseness {
  readonly reason: RegExp;
  readonly why: string;
  readonly isCase: (text: string, ours: MessageReading) => boolean;
}

/** What is accepted although llhttp refuses it with a certain reason. */
const LOOSER: readonly Looseness[] = [
  {
    reason: /^(?:Invalid method encountered|Expected space after method)/,
    why: "llhttp knows a fixed list of methods. RFC 9110 section 9.1 has no list.",
    isCase: (text) => !/^(?:\r\n)?(?:GET|HEAD|POST|PUT|DELETE|OPTIONS|PATCH|PROPFIND) /.test(text),
  },
  {
    reason: /^Invalid character in chunk (?:extensions|size)/,
    why: "Recipients must accept white space around the parts of an extension (RFC 9112 section 7.1.1).",
    isCase: (text) => /[ \t]+;|;[ \t]+|[ \t]=|=[ \t]/.test(text),
  },
  {
    reason: /^Content-Length can't be present with Transfer-Encoding/,
    why: "A trailer is not framing. This one is dropped.",
    isCase: (text) => /\r\n0.*\r\n(?:.*\r\n)*Content-Length/.test(text),
  },
  {
    reason: /^(?:Invalid character in Content-Length|Request has invalid `Transfer-Encoding`)/,
    why: "White space after a value may be a tab (RFC 9110 section 5.6.3).",
    isCase: (text) => /^(?:content-length|transfer-encoding):.*\t\r?$/im.test(text),
  },
  {
    reason: /^(?:Duplicate Content-Length|Invalid character in Content-Length)/,
    why: "Equal lengths of an answer are merged (RFC 9110 section 8.6).",
    isCase: (text) =>
      isResponse(text) && (text.match(/content-length|\d,[ \t]*\d/gi)?.length ?? 0) > 1,
  },
  {
    reason: /^(?:Unexpected whitespace after header value|Invalid header value char)/,
    why: "Folded lines of an answer are joined (RFC 9112 section 5.2).",
    isCase: (text) => isResponse(text) && /\r\n[ \t]/.test(text),
  },
  {
    reason: /Content-Length|Transfer-Encoding/,
    why: "A field is checked when it has ended: a request's at its LF, an answer's at the byte after it.",
    isCase: (text, ours) => ours.outcome === "partial" && LAST_LINE_IS_FRAMING.test(text),
  },
];

/** The last line, which may be folded, is Content-Length or Transfer-Encoding. It may have an end. */
const LAST_LINE_IS_FRAMING = /\n(?:content-length|transfer-encoding):.*(?:\r\n[ \t].*)*\r?\n?$/i;

const isResponse = (text: string): boolean => text.startsWith("HTTP/");

type Parser = RequestParser | ResponseParser;

/** Reads a message with its body. */
function read(parser: Parser, bytes: Buffer, isHead: boolean): MessageReading {
  const isRequest = parser instanceof RequestParser;
  const result = isRequest
    ? parser.parse(bytes, 0, bytes.length)
    : parser.parse(bytes, 0, bytes.length, isHead);
  parser.reset();
  const reading: MessageReading = {
    outcome: outcomeOf(result),
    method: isRequest ? parser.method : "",
    target: isRequest ? bytes.toString("latin1", parser.targetStart, parser.targetEnd) : "",
    status: isRequest ? 0 : parser.status,
    fields: plainLinesOf(parser.fields),
    body: "",
    trailers: [],
    bytes: parser.headEnd,
  };
  return result === "whole" ? { ...reading, ...readBody(parser, bytes) } : reading;
}

function readBody({ headEnd, bodyLength }: Parser, bytes: Buffer): Partial<MessageReading> {
  if (bodyLength === CHUNKED) {
    const decoded = decodeChunks([bytes.subarray(headEnd)]);
    if (decoded.outcome === "more") return { outcome: "partial" };
    const { data: body, trailers } = decoded;
    if (decoded.outcome !== "end") return { outcome: decoded.outcome };
    return { body, trailers, bytes: headEnd + decoded.bodyBytes };
  }
  const end = bodyLength === UNTIL_CLOSE ? bytes.length : headEnd + bodyLength;
  if (end > bytes.length) return { outcome: "partial" };
  return { body: bytes.toString("latin1", headEnd, end), bytes: end };
}

/** Returns how the readings of both differ. Fails if no table allows it. */
function compare(text: string, ours: MessageReading, theirs: MessageReading): string {
  // llhttp does not take a tab for white space after `chunked`, and reads the answer until the connection ends.
  if (isResponse(text) && /^transfer-encoding:[ \t]*chunked *\t/im.test(text)) return "tab";
  const isRefusal = (outcome: string): boolean => outcome !== "whole" && outcome !== "partial";
  if (isRefusal(ours.outcome)) {
    if (isRefusal(theirs.outcome)) return "both refuse";
    assert.ok(STRICTER.has(ours.outcome), `${ours.outcome}: ${JSON.stringify(text)}`);
    return "stricter";
  }
  if (isRefusal(theirs.outcome)) {
    const isAllowed = LOOSER.some(
      ({ reason, isCase }) => reason.test(theirs.outcome) && isCase(text, ours),
    );
    assert.ok(isAllowed, `${theirs.outcome}: ${JSON.stringify(text)}`);
    return "looser";
  }
  assert.equal(ours.outcome, theirs.outcome, JSON.stringify(text));
  if (ours.outcome === "partial") return "both partial";
  // RFC 9110 section 15.2 gives no 1xx a body. llhttp knows 100 to 103 only.
  if (ours.status >= 104 && ours.status < 200) {
    assert.deepEqual(ours.fields, theirs.fields, JSON.stringify(text));
    return "unknown interim answer";
  }
  assert.deepEqual(ours, theirs, JSON.stringify(text));
  return "same";
}

const SUBJECTS: readonly (readonly [
  type: "request" | "response",
  parser: Parser,
  make: (next: Below) => string,
])[] = [
  ["request", new RequestParser(), makeRequest],
  ["response", new ResponseParser(), makeResponse],
];

describe("compared with llhttp", () => {
  for (const [type, parser, make] of SUBJECTS) {
    it(`a ${type} is the same, or a known difference, in ${INPUTS} cases`, () => {
      const next = randomBelow(12);
      const llhttp = new Llhttp(type);
      const counts = new Map<string, number>();
      for (let input = 0; input < INPUTS; input += 1) {
        const text = make(next);
        const isHead = type === "response" && next(6) === 0;
        const theirs = llhttp.read(bytesOf(text), isHead);
        const difference = compare(text, read(parser, bytesOf(text), isHead), theirs);
        counts.set(difference, (counts.get(difference) ?? 0) + 1);
      }
      // The comparison says little if most messages are refused by both.
      assert.ok((counts.get("same") ?? 0) > INPUTS / 5);
      assert.ok((counts.get("stricter") ?? 0) > INPUTS / 20);
      assert.ok((counts.get("looser") ?? 0) > INPUTS / 100);
    });
  }
});
