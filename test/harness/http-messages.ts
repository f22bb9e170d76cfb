/**
 * Makes HTTP/1.1 messages for tests of parsers: well-formed ones, and ones with a few faults at places where parsers are known
 * to differ. All texts have one character per byte.
 */

/** Returns a whole number from 0 to less than `limit`. */
export type Below = (limit: number) => number;

const pick = <Value>(next: Below, values: readonly Value[], fallback: Value): Value =>
  values[next(values.length)] ?? fallback;

const METHODS = [
  "GET",
  "GET",
  "POST",
  "POST",
  "HEAD",
  "PUT",
  "DELETE",
  "OPTIONS",
  "PATCH",
  "PROPFIND",
];
const ODD_METHODS = ["get", "TRACE", "CONNECT", "X-Y", "GETT", "", "G(T", "M".repeat(33)];
const TARGETS = [
  "/",
  "/",
  "/a/b?c=d",
  "/%20?",
  "/a;b=c,d",
  "//x",
  "https://b.example/c",
  "https://b:1?d",
];
const ODD_TARGETS = [
  "*",
  "b.example:443",
  "http://b/",
  "https://u@b/",
  "/#",
  "/a b",
  "",
  "/\x80",
  "https://",
  "x",
];
const ODD_VERSIONS = [
  "HTTP/1.0",
  "HTTP/1.0",
  "HTTP/1.2",
  "HTTP/2.0",
  "http/1.1",
  "HTTP/1.10",
  "HTTP/01.1",
  "",
  "HTTP/0.9",
];
const HOSTS = ["a", "shop.example", "SHOP.example:8443", "[::1]:1", "192.0.2.1"];
const ODD_HOSTS = ["", "a b", "u@a", "a:x", "a,b", "a\0", "[::1", "a/b"];
const STATUSES = [
  "200 OK",
  "200 OK",
  "404 Not Found",
  "500 ",
  "206",
  "100 Continue",
  "103 E",
  "204 No",
  "304 Not",
  "999 x",
];
const ODD_STATUSES = [
  "20",
  "2000 OK",
  "0200",
  "099 x",
  "200\tOK",
  "20x",
  "",
  "200 O\0K",
  " 200 OK",
];

const LINES = [
  ...[
    "Accept: */*",
    "accept-encoding:gzip, br",
    "Cookie: a=b; c=d",
    "X-Empty:",
    "X-Tab: \ta\tb \t",
  ],
  ...["User-Agent: Mozilla/5.0 (X11; Linux x86_64)", "X-Obs: \xe4\xff", "!#$%&'*+-.^_`|~: x"],
  ...["Connection: keep-alive", "Connection: close", "Connection: a, ,b", "Keep-Alive: timeout=5"],
  ...["Connection: upgrade", "Upgrade: websocket", "TE: trailers", "Trailer: x", "Date: now"],
  ...["Expect: 100-continue", "Proxy-Connection: close", "X-Forwarded-For: 1", "Set-Cookie: a=b"],
  ...["Content_Length: 3", "Content-Type: text/plain", "WWW-Authenticate: NTLM"],
];
const ODD_LINES = [
  ...[
    "Host: b",
    "Content-Length: 3",
    "Content-Length: 4",
    "content-length: 003",
    "Content-Length: +3",
  ],
  ...["Content-Length: 3, 3", "Content-Length: 3,4", "Content-Length:", "Content-Length: 0x3"],
  ...[
    "Content-Length: 3 3",
    "Content-Length: 18446744073709551619",
    "Content-Length: 9007199254740992",
  ],
  ...["Content-Length : 3", "Transfer-Encoding: chunked", "transfer-encoding:Chunked"],
  ...[
    "Transfer-Encoding: chunked, chunked",
    "Transfer-Encoding: gzip, chunked",
    "Transfer-Encoding: gzip",
  ],
  ...[
    "Transfer-Encoding: chunked, gzip",
    "Transfer-Encoding: chunked;a=b",
    "Transfer-Encoding: xchunked",
  ],
  ...["Transfer-Encoding:", "Transfer-Encoding: ,chunked", "Transfer-Encoding: \x0bchunked"],
  ...["Transfer-Encoding : chunked", "Transfer-Encoding: identity", 'Transfer-Encoding: "chunked"'],
  ...[
    " folded",
    "\tfolded",
    "Bad Name: x",
    ": x",
    "NoColon",
    "A\0: x",
    "A: x\0y",
    "A: x\x7f",
    "\xe4: x",
  ],
  ...["A: x\n b", "A: x\r b", "A: x\r\n b", "Connection: a b", "Expect: x", "A\t: x", "", " "],
];
const CHUNK_SIZES = ["3", "3", "03", "3;a", "3;a=b;c", '3;a="b\\"c"', "3 ;a", "3; a = b"];
const ODD_CHUNK_SIZES = [
  "",
  "3 ",
  "+3",
  "0x3",
  "g",
  "-3",
  "3,",
  "3;",
  "3;;a",
  '3;a="',
  "3\t",
  "4",
  "2",
  "fffffffffffffffff",
  "3;a=\x01",
];
const TRAILERS = ["A: b", "X-Sum:c", "Host: x", "Content-Length: 9"];
const ODD_TRAILERS = ["A : b", " A: b", "A", "A: \0", "GET / HTTP/1.1", "0", "A: b\nC: d"];

/** Bytes that a mutation puts in. */
const SHARP_BYTES = '\r\n\0\t :;,="\x0b\x0c\x7f\x80\xff09afgGH/#*@[]';

const isOdd = (next: Below): boolean => next(12) === 0;

/** A request and, if it is well-formed, what follows its head: its body and the start of the next request. */
export function makeRequest(next: Below): string {
  const method = isOdd(next) ? pick(next, ODD_METHODS, "") : pick(next, METHODS, "GET");
  const target = isOdd(next) ? pick(next, ODD_TARGETS, "") : pick(next, TARGETS, "/");
  const version = isOdd(next) ? pick(next, ODD_VERSIONS, "") : "HTTP/1.1";
  const host = isOdd(next) ? pick(next, ODD_HOSTS, "") : pick(next, HOSTS, "a");
  const lines = isOdd(next) ? [] : [`Host: ${host}`];
  const empty = next(20) === 0 ? "\r\n" : "";
  return mutated(next, `${empty}${method} ${target} ${version}\r\n${restOf(next, lines)}`);
}

/** An answer and, if it is well-formed, what follows its head: its body and the start of the next answer. */
export function makeResponse(next: Below): string {
  const version = isOdd(next) ? pick(next, ODD_VERSIONS, "") : "HTTP/1.1";
  const status = isOdd(next) ? pick(next, ODD_STATUSES, "") : pick(next, STATUSES, "");
  return mutated(next, `${version} ${status}\r\n${restOf(next, [])}`);
}

function restOf(next: Below, first: readonly string[]): string {
  const lines = [...first];
  for (let count = next(4); count > 0; count -= 1) lines.push(pick(next, LINES, ""));
  if (next(3) === 0) lines.push(pick(next, ODD_LINES, ""));
  const form = next(4);
  let body = "";
  if (form === 0) {
    lines.push("Content-Length: 3");
    body = "abc";
  } else if (form === 1) {
    lines.push("Transfer-Encoding: chunked");
    body = makeChunkedBody(next);
  }
  // The framing fields are not always the last ones.
  if (next(2) === 0 && lines.length > 1) lines.push(lines.splice(next(lines.length), 1)[0] ?? "");
  const after =
    next(3) === 0 ? pick(next, ["GET /next HTTP/1.1\r\n", "\r\n", "x", "0\r\n\r\n"], "") : "";
  return `${lines.map((line) => `${line}\r\n`).join("")}\r\n${body}${after}`;
}

/** A chunked body with all of its framing. */
export function makeChunkedBody(next: Below): string {
  let body = "";
  for (let count = next(3); count > 0; count -= 1) {
    const size = isOdd(next) ? pick(next, ODD_CHUNK_SIZES, "") : pick(next, CHUNK_SIZES, "3");
    body += `${size}\r\n${pick(next, ["abc", "\r\n0", "xyz"], "abc")}\r\n`;
  }
  body += isOdd(next) ? pick(next, ["0;a\r\n", "00\r\n", "0 \r\n", "0\n", "\r\n"], "") : "0\r\n";
  for (let count = Math.max(0, next(5) - 2); count > 0; count -= 1) {
    body += `${isOdd(next) ? pick(next, ODD_TRAILERS, "") : pick(next, TRAILERS, "")}\r\n`;
  }
  return `${body}\r\n`;
}

/** The text with up to three bytes or line ends changed. Half of the texts stay as they are. */
export function mutated(next: Below, text: string): string {
  let result = text;
  for (let count = Math.max(0, next(6) - 2); count > 0; count -= 1)
    result = mutatedOnce(next, result);
  return result;
}

function mutatedOnce(next: Below, text: string): string {
  const at = next(text.length + 1);
  const sharp = SHARP_BYTES[next(SHARP_BYTES.length)] ?? "";
  const lineEnd = text.indexOf("\r\n", at);
  switch (next(8)) {
    case 0:
      return text.slice(0, at) + sharp + text.slice(at);
    case 1:
      return text.slice(0, at) + sharp + text.slice(at + 1);
    case 2:
      return text.slice(0, at) + text.slice(at + 1);
    case 3:
      return lineEnd < 0 ? text : `${text.slice(0, lineEnd)}\n${text.slice(lineEnd + 2)}`;
    case 4:
      return lineEnd < 0 ? text : `${text.slice(0, lineEnd)}\r${text.slice(lineEnd + 2)}`;
    case 5:
      return lineEnd < 0 ? text : text.slice(0, lineEnd) + sharp + text.slice(lineEnd);
    case 6:
      return lineEnd < 0 ? text : text.slice(0, lineEnd + 2) + sharp + text.slice(lineEnd + 2);
    default: {
      const nextEnd = lineEnd < 0 ? -1 : text.indexOf("\r\n", lineEnd + 2);
      return nextEnd < 0 ? text : text.slice(0, nextEnd) + text.slice(lineEnd);
    }
  }
}
