/**
 * The ways in which exchanges of mode http end, and the rules of HTTP/1.1 that a message can violate. The strings are also metric
 * labels, log fields and names of tests.
 */

/** How an exchange ended: one request and its answer. */
export const HTTP_OUTCOMES = {
  completed: "The client was sent the whole answer of the endpoint.",
  upgraded: "The connection was upgraded to a WebSocket and has ended.",
  refused: "The request violates a rule of HTTP or asks for what the director does not do.",
  misdirected: "Host names what has another TLS identity than the connection. The client got 421.",
  "client-aborted": "The client broke off before it was sent the whole answer.",
  "head-timeout":
    "The client did not send the whole head of the request in time, or of another one on the same connection of HTTP/2.",
  "body-too-slow": "The client sent the body of the request too slowly.",
  "endpoint-failed": "No endpoint accepted a connection.",
  "endpoint-broke-off": "The endpoint broke off before its answer was whole.",
  "bad-answer": "The answer of the endpoint violates a rule of HTTP.",
  "answer-timeout": "The endpoint did not begin its answer in time. The client got 504.",
  idle: "No byte of the answer arrived, or the client took none, within the idle deadline.",
  "over-limit": "The buffers of all connections exceeded their limit.",
  drained: "The director was stopping and the drain deadline passed.",
  "cut-by-operator": "An operator cut the connection.",
  "server-drained":
    "The server was drained or the profile had left it, and the deadline of the operator has passed.",
  internal: "The director could not serve the exchange; see its log.",
} as const satisfies Readonly<Record<string, string>>;
export type HttpOutcome = keyof typeof HTTP_OUTCOMES;
export const HTTP_OUTCOME_NAMES = Object.keys(HTTP_OUTCOMES) as readonly HttpOutcome[];

/** Why a request was refused, or an answer of an endpoint was not accepted. */
export const HTTP_RULES = {
  "bare-cr": "A CR without LF (RFC 9112 section 2.2).",
  "bare-lf": "An LF without CR (RFC 9112 section 2.2).",
  "empty-lines": "There is more than one empty line before the request line.",
  "bad-method": "The method is not a token of at most 1,024 bytes.",
  "long-method": "The method has more than 32 bytes. The client got 501.",
  "trace-method": "The method is TRACE. The client got 405.",
  "connect-method": "The method is CONNECT. The client got 405.",
  "bad-target":
    "The target has the form of an authority, a form that the method does not have, characters that no target may have, or in its path `%00`, or a `%` without two hexadecimal digits.",
  "bad-scheme": "The target is absolute, and its scheme is not https. The client got 421.",
  "bad-version": "The request line does not end with a version of HTTP.",
  "unknown-version": "The version is not HTTP/1.0 or HTTP/1.1. The client got 505.",
  "long-request-line": "The request line has more than 16 KiB. The client got 414.",
  "bad-status-line":
    "The status line is not a version, a status of three digits and a reason (RFC 9112 section 4).",
  "long-head": "The head has more than 64 KiB. A client got 431.",
  "too-many-fields": "There are more than 100 fields. A client got 431.",
  "obs-fold": "A field goes on in the next line (RFC 9112 section 5.2).",
  "space-before-field": "There is white space before the first field (RFC 9112 section 2.2).",
  "space-before-colon":
    "There is white space between the name of a field and the colon (RFC 9112 section 5.1).",
  "bad-field-name": "The name of a field is not a token.",
  "bad-field-value": "The value of a field has a control character.",
  "no-host": "A request of HTTP/1.1 has no Host (RFC 9112 section 3.2).",
  "several-hosts": "There is more than one Host.",
  "bad-host": "Host or the authority is not a host with an optional port.",
  "bad-content-length": "Content-Length is not a number in digits.",
  "several-content-lengths": "There is more than one Content-Length.",
  "length-with-transfer-encoding": "There are both Content-Length and Transfer-Encoding.",
  "bad-transfer-encoding": "`chunked` is not the last coding, is there twice, or has parameters.",
  "several-transfer-encodings": "There is more than one Transfer-Encoding.",
  "unknown-transfer-coding":
    "Transfer-Encoding names another coding than `chunked`. A client got 501.",
  "transfer-encoding-in-http-1.0": "A message of HTTP/1.0 has Transfer-Encoding.",
  "transfer-encoding-without-body":
    "An answer that has no body has Transfer-Encoding (RFC 9112 section 6.1).",
  "unknown-expectation": "Expect asks for something else than `100-continue`. The client got 417.",
  "bad-connection": "Connection is not a list of tokens.",
  "too-many-connection-options": "Connection has too many options. A client got 431.",
  "bad-chunk-size": "The size of a chunk is not a hexadecimal number (RFC 9112 section 7.1).",
  "bad-chunk-extension": "The extension of a chunk is not valid.",
  "long-chunk-extension":
    "The extensions have more than 256 bytes in a chunk, or 16 KiB more than the data.",
  "bad-chunk-end": "The data of a chunk is not followed by CRLF.",
  "bad-pseudo-field":
    "A pseudo-field of HTTP/2 is unknown, missing, there twice, or after another field (RFC 9113 section 8.3).",
  "upper-case-name": "The name of a field of HTTP/2 has upper-case letters.",
  "connection-field":
    "A request of HTTP/2 has a field that only connections of HTTP/1.1 have (RFC 9113 section 8.2.2).",
  "differing-hosts": "`:authority` and Host of a request of HTTP/2 differ.",
  "wrong-length": "The body of a request of HTTP/2 is not as long as its Content-Length.",
  "unknown-protocol":
    "`:protocol` of an extended CONNECT (RFC 8441) is not `websocket`. The client got 501.",
  "unknown-websocket-version":
    "Sec-WebSocket-Version of a request for a WebSocket is not `13`. The client got 426, or 400 over HTTP/2.",
  "no-upgrade":
    "The endpoint answered a request for a WebSocket over HTTP/2 with success, but did not switch protocols.",
  "unasked-upgrade":
    "The endpoint switched protocols (101) without being asked, or to another protocol.",
  "too-many-interim-answers": "The endpoint sent more than 16 interim answers.",
  "unasked-bytes": "The endpoint sent bytes after an answer with status 204 or 304.",
} as const satisfies Readonly<Record<string, string>>;
export type HttpRule = keyof typeof HTTP_RULES;
export const HTTP_RULE_NAMES = Object.keys(HTTP_RULES) as readonly HttpRule[];

/** The classes of status codes that are counted. */
export const STATUS_CLASSES = ["1xx", "2xx", "3xx", "4xx", "5xx"] as const;
