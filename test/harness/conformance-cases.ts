/**
 * What public conformance suites for HTTP/1.1 ask of a server, in requests of our own. All texts have one character per
 * byte. The targets of requests that must be refused start with `/refused`.
 */

const get = (...lines: readonly string[]): string =>
  ["GET /refused HTTP/1.1", "Host: a", ...lines, "", ""].join("\r\n");
const post = (fields: readonly string[], body: string): string =>
  ["POST /refused HTTP/1.1", "Host: a", ...fields, "", body].join("\r\n");
const length = (value: string): string => post([`Content-Length: ${value}`], "hello");
const coding = (value: string): string =>
  post([`Transfer-Encoding: ${value}`, "Content-Length: 5"], "hello");
const line = (text: string): string => `${text}\r\nHost: a\r\n\r\n`;
const NEXT = "GET /refused HTTP/1.1\r\nHost: a\r\n\r\n";

/** Name, status and bytes of the requests whose head is refused. */
export const REFUSED: readonly (readonly [name: string, status: number, bytes: string])[] = [
  ["an LF alone after the request line", 400, "GET /refused HTTP/1.1\nHost: a\r\n\r\n"],
  ["an LF alone after a field", 400, "GET /refused HTTP/1.1\r\nHost: a\nA: b\r\n\r\n"],
  ["a CR alone after the request line", 400, "GET /refused HTTP/1.1\rHost: a\r\n\r\n"],
  ["a CR alone in a value", 400, get("A: b\rc")],
  ["a CR alone before a field", 400, "GET /refused HTTP/1.1\r\nHost: a\r\n\rA: b\r\n\r\n"],
  ["a folded line", 400, get("A: b", " c")],
  ["a folded line after Host", 400, get("  c")],
  ["a space before the colon", 400, get("A : b")],
  ["a space before the colon of Host", 400, "GET /refused HTTP/1.1\r\nHost : a\r\n\r\n"],
  ["white space before the first field", 400, "GET /refused HTTP/1.1\r\n \r\nHost: a\r\n\r\n"],
  ["two spaces in the request line", 400, line("GET  /refused HTTP/1.1")],
  ["a tab in the request line", 400, line("GET\t/refused HTTP/1.1")],
  ["a space in the target", 400, line("GET /refused b HTTP/1.1")],
  ["no target", 400, line("GET HTTP/1.1")],
  ["no version", 400, "GET /refused\r\n\r\n"],
  ["no version but a space", 400, "GET /refused \r\n\r\n"],
  ["a text before the method", 400, line("Extra lineGET /refused HTTP/1.1")],
  ["version 9.9", 505, line("GET /refused HTTP/9.9")],
  ["version 2.0", 505, line("GET /refused HTTP/2.0")],
  ["version 1.2", 505, line("GET /refused HTTP/1.2")],
  ["a version without a minor digit", 400, line("GET /refused HTTP/1")],
  ["a version with leading zeros", 400, line("GET /refused HTTP/01.01")],
  ["a version with a space", 400, line("GET /refused HTTP/ 1.1")],
  ["a version in lower case", 400, line("GET /refused http/1.1")],
  ["the start of HTTP/2", 400, "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"],
  ["the asterisk form with GET", 400, line("GET * HTTP/1.1")],
  ["a fragment in the target", 400, line("GET /refused#b HTTP/1.1")],
  ["an http target", 421, line("GET http://a/refused HTTP/1.1")],
  ["CONNECT", 405, line("CONNECT a:443 HTTP/1.1")],
  ["TRACE", 405, line("TRACE /refused HTTP/1.1")],
  ["a method of 40 bytes", 501, line(`${"M".repeat(40)} /refused HTTP/1.1`)],
  ["a method of 100 KB", 400, line(`${"M".repeat(100_000)} /refused HTTP/1.1`)],
  ["a target of 100 KB", 414, line(`GET /refused${"a".repeat(100_000)} HTTP/1.1`)],
  ["a NUL in the target", 400, line("GET /refused\0 HTTP/1.1")],
  ["UTF-8 in the target", 400, line("GET /refused\xc3\xa9 HTTP/1.1")],
  ["blanks only", 400, "   \r\n\r\n"],
  ["random bytes", 400, "\x9a\x01\xff\x00\x13\x77"],
  ["no Host", 400, "GET /refused HTTP/1.1\r\n\r\n"],
  ["two equal Hosts", 400, get("Host: a")],
  ["two Hosts", 400, get("Host: b")],
  ["an empty Host", 400, "GET /refused HTTP/1.1\r\nHost: \r\n\r\n"],
  ...["a b", "u@a", "a/b", "a, b", "a\0b", "###"].map(
    (host) =>
      [
        `Host ${JSON.stringify(host)}`,
        400,
        `GET /refused HTTP/1.1\r\nHost: ${host}\r\n\r\n`,
      ] as const,
  ),
  ["an empty name", 400, get(": b")],
  ["a name with brackets", 400, get("A[]: b")],
  ["a name with a space", 400, get("A B: c")],
  ["a name with a tab", 400, get("Content\tLength: 99")],
  ["a name in UTF-8", 400, get("X-T\xc3\xabst: b")],
  ["a line without a colon", 400, get("NoColon")],
  ["a NUL in a value", 400, get("A: b\0c")],
  ["a BEL in a value", 400, get("A: b\x07")],
  ["101 fields", 431, get(...Array.from({ length: 100 }, () => "A: b"))],
  ["a value of 100 KB", 431, get(`A: ${"b".repeat(100_000)}`)],
  ["a name of 100 KB", 431, get(`${"a".repeat(100_000)}: b`)],
  ["an unknown expectation", 417, get("Expect: 200-ok")],
  ...["-1", "-1234", `-${"123456789".repeat(3)}`, "abc", "+5", "0x5", "0o5", "1 0", "1_0", "-0", ""]
    .concat("99999999999999999999", "5, 5", "5, 10")
    .map((value) => [`Content-Length ${JSON.stringify(value)}`, 400, length(value)] as const),
  ["two Content-Lengths", 400, post(["Content-Length: 5", "Content-Length: 10"], "helloworld")],
  ...["chunked", "Chunked", "xchunked", "chunked ", "identity", "", ", chunked", "chunked,"]
    .concat(
      "chunked, chunked",
      "chunked;a=b",
      "\x0bchunked",
      "\x0cchunked",
      "chunked\0",
      "\tchunked",
    )
    .map((value) => [`Content-Length with ${JSON.stringify(value)}`, 400, coding(value)] as const),
  [
    "Content-Length before Transfer-Encoding",
    400,
    post(["content-LengtH: 5", "TransFer-Encoding: chunked"], `0\r\n\r\n${NEXT}`),
  ],
  ["a folded Transfer-Encoding", 400, coding("\r\n chunked")],
  ["Transfer-Encoding gzip", 400, post(["Transfer-Encoding: gzip"], "")],
  ["chunked that is not last", 400, post(["Transfer-Encoding: chunked, gzip"], "0\r\n\r\n")],
  ["a coding before chunked", 501, post(["Transfer-Encoding: gzip, chunked"], "0\r\n\r\n")],
  [
    "two Transfer-Encodings",
    400,
    post(["Transfer-Encoding: chunked", "Transfer-Encoding: identity"], "0\r\n\r\n"),
  ],
  [
    "Transfer-Encoding in HTTP/1.0",
    400,
    "POST /refused HTTP/1.0\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
  ],
];

const echo = (fields: readonly string[], body: string): string =>
  ["POST /echo HTTP/1.1", "Host: a", ...fields, "", body].join("\r\n");
const chunked = (body: string): string => echo(["Transfer-Encoding: chunked"], body);

/** Name and bytes of requests that are answered, and the body that the endpoint sends back. */
export const ANSWERED: readonly (readonly [name: string, bytes: string, body: string])[] = [
  ["a request", "GET /a HTTP/1.1\r\nHost: a\r\n\r\n", ""],
  ["a tab before Host and an empty value", "GET / HTTP/1.1\r\nhoSt:\ta\r\nempty:\r\n\r\n", ""],
  ["an empty line before the request", "\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n", ""],
  [
    "an expectation without a body",
    "GET / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\n\r\n",
    "",
  ],
  ["OPTIONS *", "OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n", ""],
  ["an https target", "GET https://a/ HTTP/1.1\r\nHost: a\r\n\r\n", ""],
  ["a target of 8 KB", `GET /${"a".repeat(8_000)} HTTP/1.1\r\nHost: a\r\n\r\n`, ""],
  ["HTTP/1.0 without Host", "GET / HTTP/1.0\r\n\r\n", ""],
  ["a body", echo(["Content-Length: 5"], "hello"), "hello"],
  ["a body of GET", "GET / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello", "hello"],
  ["a length with leading zeros", echo(["Content-Length: 005"], "hello"), "hello"],
  ["a length with white space", echo(["Content-Length: \t5 "], "hello"), "hello"],
  ["no body", echo([], ""), ""],
  ["a body of length 0", echo(["Content-Length: 0"], ""), ""],
  ["a chunk", chunked("5\r\nhello\r\n0\r\n\r\n"), "hello"],
  ["chunks", chunked("5\r\nhello\r\n6\r\n world\r\n0\r\n\r\n"), "hello world"],
  ["no chunk", chunked("0\r\n\r\n"), ""],
  ["a size in upper case", chunked("A\r\nhelloworld\r\n0\r\n\r\n"), "helloworld"],
  ["an extension", chunked("5;a=b\r\nhello\r\n0\r\n\r\n"), "hello"],
  ["a trailer", chunked("5\r\nhello\r\n0\r\nX-Sum: a\r\n\r\n"), "hello"],
  ["a trailer that is dropped", chunked("5\r\nhello\r\n0\r\nContent-Length: 50\r\n\r\n"), "hello"],
];

/** Chunked bodies that break the grammar. Their head has been sent to the endpoint. */
export const BAD_CHUNKS: readonly string[] = [
  ...["5;\r\nhello", "5;bad[=x\r\nhello", "1_0\r\nhello world!!!!!", "0x5\r\nhello", "+5\r\nhello"],
  ...["5 \r\nhello", " 5\r\nhello", "5\r\nhello0", "5;\nhello", "5\r\nhello!!", "5\r\nhello\n0"],
  ...[
    "5;\0ext\r\nhello",
    "5;a\rX\r\nhello",
    "-1\r\nhello",
    "5\rhello",
    "FFFFFFFFFFFFFFFF0\r\nhello",
  ],
  ...["g\r\nhello", "+0\r\n\r\nX", "5\r\nhello\r\n0\r\n\n", `5;a=${"b".repeat(65_536)}\r\nhello`],
].map((body) => chunked(`${body}\r\n0\r\n\r\n`));

/** Parts of a valid head, which get no answer. */
export const FRAGMENTS: readonly string[] = [
  ...["G", "GET ", "GET /a", "GET /a ", "GET /a HTTP", "GET /a HTTP/1.1", "GET /a HTTP/1.1\r"],
  ...["", "Hos", "Host:", "Host: ", "Host: a", "Host: a\r", "Host: a\r\n", "Host: a\r\n\r"].map(
    (part) => `GET /a HTTP/1.1\r\n${part}`,
  ),
  "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\nhello",
  "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n",
];
