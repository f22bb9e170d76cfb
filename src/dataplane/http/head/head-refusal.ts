import type { HttpRule } from "#model/records/http-outcome.ts";

/** The status that a client receives. A refused answer of an endpoint becomes a 502, whatever its rule is. */
type RefusalStatus = 400 | 405 | 414 | 417 | 421 | 426 | 431 | 501 | 505;

/** The rules of the grammar, each with the status of a request that breaks it. */
const STATUS_OF = {
  /** A CR that no LF follows (RFC 9112 section 2.2). */
  "bare-cr": 400,
  /** An LF that follows no CR (RFC 9112 section 2.2 allows to refuse it). */
  "bare-lf": 400,
  /** More than one empty line before a request line. */
  "empty-lines": 400,
  /** No token, or one of more than 1,024 bytes. */
  "bad-method": 400,
  /** A method of more than 32 bytes (RFC 9112 section 3). */
  "long-method": 501,
  "trace-method": 405,
  "connect-method": 405,
  /** A byte that no target has, a bad escape in the path, a form that the method does not have, or the authority form. */
  "bad-target": 400,
  /** An absolute form that is not https: the connection is not one for the resource (RFC 9110 section 7.4). */
  "bad-scheme": 421,
  /** A request line without a version, or with bytes after it. */
  "bad-version": 400,
  /** An HTTP version other than 1.0 and 1.1. */
  "unknown-version": 505,
  "long-request-line": 414,
  "bad-status-line": 400,
  "long-head": 431,
  "too-many-fields": 431,
  /** A field line that continues in the next line (RFC 9112 section 5.2). */
  "obs-fold": 400,
  /** White space before the first field line (RFC 9112 section 2.2). */
  "space-before-field": 400,
  "space-before-colon": 400,
  "bad-field-name": 400,
  "bad-field-value": 400,
  "no-host": 400,
  "several-hosts": 400,
  /** A Host field or an authority that is not a host with an optional port. */
  "bad-host": 400,
  "bad-content-length": 400,
  "several-content-lengths": 400,
  "length-with-transfer-encoding": 400,
  "bad-transfer-encoding": 400,
  "several-transfer-encodings": 400,
  /** A coding other than chunked before a final chunked (RFC 9112 section 6.1). */
  "unknown-transfer-coding": 501,
  "transfer-encoding-in-http-1.0": 400,
  /** Transfer-Encoding in an answer that has no body (RFC 9112 section 6.1): 1xx and 204. */
  "transfer-encoding-without-body": 400,
  "unknown-expectation": 417,
  "bad-connection": 400,
  "too-many-connection-options": 431,
  "bad-chunk-size": 400,
  "bad-chunk-extension": 400,
  /** Extensions of more than 256 bytes in a chunk, or of 16 KiB more than the data of the body. */
  "long-chunk-extension": 400,
  /** Bytes other than CRLF after the data of a chunk. */
  "bad-chunk-end": 400,
  /** A pseudo-field that is unknown, missing, repeated or late (RFC 9113 section 8.3). */
  "bad-pseudo-field": 400,
  /** RFC 9113 section 8.2.1. */
  "upper-case-name": 400,
  /** RFC 9113 section 8.2.2. */
  "connection-field": 400,
  /** RFC 9113 section 8.3.1. */
  "differing-hosts": 400,
  /** RFC 9113 section 8.1.1. */
  "wrong-length": 400,
  /** RFC 8441 section 4. */
  "unknown-protocol": 501,
  /** RFC 6455 section 4.4. */
  "unknown-websocket-version": 426,
} as const satisfies Readonly<Partial<Record<HttpRule, RefusalStatus>>>;

/** The strings are metric labels and log fields. */
export type HeadRule = keyof typeof STATUS_OF;

export interface HeadRefusal {
  readonly status: RefusalStatus;
  readonly rule: HeadRule;
}

/** "partial" means that more bytes are needed. */
export type HeadResult = "partial" | "whole" | HeadRefusal;

const REFUSALS: ReadonlyMap<string, HeadRefusal> = new Map(
  Object.entries(STATUS_OF).map(([rule, status]) => [
    rule,
    Object.freeze({ status, rule: rule as HeadRule }),
  ]),
);

/** There is one frozen object for each rule. */
export function refusalOf(rule: HeadRule): HeadRefusal {
  return REFUSALS.get(rule) ?? { status: STATUS_OF[rule], rule };
}
