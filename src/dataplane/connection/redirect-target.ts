/** Computes the redirection of a plain HTTP request (RFC 9112 sections 2, 3 and 5). */
import { isIpAddress } from "#model/addresses/cidr.ts";

export interface Answer {
  readonly status: 308 | 400 | 405 | 414 | 431 | 505;
  /** Header lines in addition to those of every answer. */
  readonly headers: readonly string[];
}

/** The maximum length of a request head. It is enough for the cookies of a browser. */
const MAX_HEAD_BYTES = 16 * 1024;
/** RFC 9112 section 3 recommends support for request lines of at least 8,000 bytes. */
const MAX_TARGET_BYTES = 8_000;
const MAX_HOST_LENGTH = 255;

const TOKEN = "[!#$%&'*+.^_`|~0-9A-Za-z-]";
const REQUEST_LINE = new RegExp(`^(${TOKEN}{1,32}) (\\S+) HTTP/(\\d)\\.(\\d)$`);
const LONG_REQUEST_LINE = new RegExp(`^${TOKEN}{1,32} [\\x21-\\x7e]+$`);
/**
 * A header line of RFC 9112 section 5. Folded lines, a space before the colon, and bytes that another parser may read
 * as the end of a line are refused.
 */
const HEADER = new RegExp(`^${TOKEN}+:[\\t\\x20-\\x7e\\x80-\\xff]*$`);
/** A request target has no fragment (RFC 9112 section 3.2). */
const TARGET = /^[\x21\x22\x24-\x7e]+$/;
const REGISTERED_NAME = /^[a-z0-9._-]+$/;
const LETTER_OR_DIGIT = /[a-z0-9]/;
/** A user name is refused (RFC 9110 section 4.2.4). */
const AUTHORITY = /^(\[[0-9a-f:.]+\]|[^:@[\]]+)(?::(\d{0,5}))?$/i;
const HTTP_SCHEME = /^https?:\/\//i;

/** The lines of a request head, or why it was refused. */
export type RequestHead =
  | { readonly lines: readonly string[] }
  | { readonly problem: "bad" | "long-target" | "long-head" };

const BAD = { problem: "bad" } as const;

const LINE_FEED = 0x0a;
const CARRIAGE_RETURN = 0x0d;

/** Returns undefined if more bytes are needed. */
export function tryRequestHead(bytes: Buffer): RequestHead | undefined {
  // An empty line before the request is ignored (RFC 9112 section 2.2).
  const start = bytes[0] === CARRIAGE_RETURN && bytes[1] === LINE_FEED ? 2 : 0;
  const end = bytes.indexOf("\n\r\n", start);
  const bareEnd = bytes.indexOf("\n\n", start);
  // Some parsers accept a bare line feed as the end of a line and others do not, so it is refused.
  if (bareEnd >= 0 && (end < 0 || bareEnd < end)) return BAD;
  if (end >= 0 && end < start + MAX_HEAD_BYTES) {
    if (bytes[end - 1] !== CARRIAGE_RETURN) return BAD;
    return { lines: bytes.toString("latin1", start, end - 1).split("\r\n") };
  }
  // An HTTP/0.9 request is one line without a version, and no headers follow it.
  const lineEnd = bytes.indexOf(LINE_FEED, start);
  if (lineEnd >= 0 && !bytes.subarray(start, lineEnd).includes("HTTP/")) return BAD;
  if (bytes.length < start + MAX_HEAD_BYTES) return undefined;
  const text = bytes.toString("latin1", start, start + MAX_HEAD_BYTES);
  if (text.includes("\r\n")) return { problem: "long-head" };
  return LONG_REQUEST_LINE.test(text) ? { problem: "long-target" } : BAD;
}

/** Returns the host in lower case and without the port. Returns undefined if it is not valid in a Location header. */
function tryHost(authority: string): string | undefined {
  const match = AUTHORITY.exec(authority);
  const host = match?.[1]?.toLowerCase();
  if (host === undefined || host.length > MAX_HOST_LENGTH) return undefined;
  if (Number(match?.[2] ?? 0) > 65_535) return undefined;
  const isValid = host.startsWith("[")
    ? isIpAddress(host.slice(1, -1)) === 6
    : REGISTERED_NAME.test(host) && LETTER_OR_DIGIT.test(host);
  return isValid ? host : undefined;
}

interface Resource {
  readonly host: string;
  /** Includes the query. */
  readonly path: string;
}

/** The host in the request target takes precedence over the Host header (RFC 9112 section 3.2.2). */
function tryResource(method: string, target: string, hostHeader: string): Resource | undefined {
  const scheme = HTTP_SCHEME.exec(target)?.[0];
  if (scheme !== undefined) {
    const rest = target.slice(scheme.length);
    const pathAt = rest.search(/[/?]/);
    const authority = pathAt < 0 ? rest : rest.slice(0, pathAt);
    const path = pathAt < 0 ? "" : rest.slice(pathAt);
    const host = tryHost(authority);
    // The value of the Host header is ignored, but a header that is not a valid host is an error (RFC 9112 section
    // 3.2).
    const isHeaderValid = hostHeader === "" || tryHost(hostHeader) !== undefined;
    if (host === undefined || !isHeaderValid) return undefined;
    return { host, path: path.startsWith("/") ? path : `/${path}` };
  }
  const host = tryHost(hostHeader);
  if (host === undefined) return undefined;
  if (target.startsWith("/")) return { host, path: target };
  return method === "OPTIONS" && target === "*" ? { host, path: "/" } : undefined;
}

const answerOf = (status: Answer["status"], ...headers: readonly string[]): Answer => ({
  status,
  headers,
});

export function redirectOf(head: RequestHead, httpsPort: number): Answer {
  if ("problem" in head) {
    if (head.problem === "long-target") return answerOf(414);
    return answerOf(head.problem === "long-head" ? 431 : 400);
  }
  const [requestLine = "", ...headers] = head.lines;
  const [, method = "", target = "", major, minor] = REQUEST_LINE.exec(requestLine) ?? [];
  if (major === undefined || !headers.every((line) => HEADER.test(line))) return answerOf(400);
  if (major !== "1") return answerOf(505);
  if (!TARGET.test(target)) return answerOf(400);
  if (target.length > MAX_TARGET_BYTES) return answerOf(414);
  // CONNECT opens a tunnel, which cannot be redirected.
  if (method === "CONNECT") return answerOf(405, "Allow: GET, HEAD, POST, PUT, PATCH, DELETE");
  const hosts = headers.filter((line) => /^host:/i.test(line));
  const isOld = minor === "0";
  if (hosts.length > 1 || (hosts.length === 0 && !isOld)) return answerOf(400);
  const hostHeader = hosts[0]?.slice("host:".length).trim() ?? "";
  const resource = tryResource(method, target, hostHeader);
  if (resource === undefined) return answerOf(400);
  const authority = httpsPort === 443 ? resource.host : `${resource.host}:${httpsPort}`;
  return answerOf(308, `Location: https://${authority}${resource.path}`);
}
