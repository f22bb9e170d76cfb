import { SP } from "../head/ascii.ts";
import { FIELD, kindTableOf } from "../head/field-names.ts";
import type { HeadFields } from "../head/head-fields.ts";
import { CHUNKED } from "../head/message-framing.ts";
import type { Output } from "../output.ts";
import type { RequestHead } from "../request-head.ts";
import type { ClientFacts } from "./client-facts.ts";
import { hasTraceparent, newTraceparent } from "./trace-context.ts";

const VERSION = Buffer.from(" HTTP/1.1\r\n");
const CHUNKED_FIELD = Buffer.from("transfer-encoding: chunked\r\n");
const UPGRADE_FIELDS = Buffer.from("connection: Upgrade\r\nupgrade: websocket\r\n");
const LENGTH = "content-length: ";

/** The fields that tell endpoints about the client. Only a trusted client may send them. */
const OF_TRUSTED = kindTableOf([
  FIELD.forwarded,
  FIELD.xForwardedFor,
  FIELD.xForwardedProto,
  FIELD.xForwardedHost,
  FIELD.xForwardedPort,
  FIELD.forwardedPrefix,
  FIELD.xRealIp,
  FIELD.xRequestId,
]);
/** The fields that no client may send, because endpoints take them for facts that the director has verified. */
const OF_DIRECTOR = kindTableOf([
  FIELD.clientCert,
  FIELD.clientCertChain,
  FIELD.clientCertPrefix,
  FIELD.tlsPrefix,
  FIELD.ja4Prefix,
]);
/** The fields that the director writes itself, whoever the client is. */
const WRITTEN = kindTableOf([FIELD.contentLength]);
const WRITTEN_X_FORWARDED = kindTableOf([
  FIELD.xForwardedFor,
  FIELD.xForwardedProto,
  FIELD.xForwardedHost,
  FIELD.xForwardedPort,
]);

/** How the head of a request is written, as far as the request itself does not say. */
export interface RequestEdits {
  readonly facts: ClientFacts;
  /** Number of the request on its connection. */
  readonly number: number;
  /** The id that a trusted client has given to the request. */
  readonly givenId: string | undefined;
  /** What Host is if the request has none: the server name or the virtual IP. */
  readonly defaultHost: string;
  readonly isWebSocket: boolean;
}

/**
 * Appends the head of the request as the endpoint gets it: always HTTP/1.1, without the fields that apply to the client's connection
 * only (RFC 9110 section 7.6.1) and those that only the director may send. Runs of fields that stay are copied at once. The
 * director's own fields are last, so that Connection cannot nominate them.
 */
export function writeRequestHead(
  output: Output,
  request: RequestHead,
  bytes: Buffer,
  { facts, number, givenId, defaultHost, isWebSocket }: RequestEdits,
): void {
  const { http } = facts.rules.spec;
  const replacesHost =
    http.host !== undefined || request.form === "absolute" || request.authority === "";
  // A line that stays as it is belongs to the first run of fields.
  const keepsLine = request.form !== "absolute" && !request.isHttp10 && !replacesHost;
  if (!keepsLine) writeRequestLine(output, request, bytes);
  if (replacesHost) writeHost(output, http.host ?? (request.authority || defaultHost));
  const isTraced = hasTraceparent(request.fields);
  const runStart = keepsLine ? request.lineStart : -1;
  copyFields(output, request, bytes, { facts, replacesHost, isTraced, runStart });
  if (request.bodyLength === CHUNKED) output.all(CHUNKED_FIELD);
  else if (request.hasFraming) {
    output.text(LENGTH);
    output.text(String(request.bodyLength));
    output.lineEnd();
  }
  if (isWebSocket) output.all(UPGRADE_FIELDS);
  if (!isTraced && http.traceparent === "make") {
    output.text("traceparent: ");
    output.text(newTraceparent());
    output.lineEnd();
  }
  facts.write(output, request, number, givenId);
  output.lineEnd();
}

function writeRequestLine(output: Output, request: RequestHead, bytes: Buffer): void {
  output.text(request.method);
  output.text(" ");
  const { pathStart, pathEnd } = request;
  if (request.form === "absolute") {
    // An empty path is that of the server, or of the whole server for OPTIONS (RFC 9112 section 3.2.4).
    if (pathEnd === pathStart) output.text(request.method === "OPTIONS" ? "*" : "/");
    else if (bytes[pathStart] !== 0x2f) output.text("/");
  }
  output.copy(bytes, pathStart, pathEnd);
  output.all(VERSION);
}

interface FieldEdits {
  readonly facts: ClientFacts;
  readonly replacesHost: boolean;
  readonly isTraced: boolean;
  /** Where the first run starts, if it does before the first field. Otherwise -1. */
  readonly runStart: number;
}

function writeHost(output: Output, host: string): void {
  output.text("host: ");
  output.text(host);
  output.lineEnd();
}

/** Whether the value is after the colon and at most one space, and the line ends with it. Endpoints differ in what other white space they accept. */
function hasPlainSpace(
  { nameEnd, valueStart, valueEnd, lineEnd, bytes }: HeadFields,
  index: number,
): boolean {
  const start = valueStart[index] ?? 0;
  const space = start - (nameEnd[index] ?? 0) - 1;
  const isPlain = space === 0 || (space === 1 && bytes[start - 1] === SP);
  return isPlain && (valueEnd[index] ?? 0) + 2 === lineEnd[index];
}

function copyFields(
  output: Output,
  { fields, isHttp10, bodyLength, authority }: RequestHead,
  bytes: Buffer,
  { facts, replacesHost, isTraced, runStart: firstStart }: FieldEdits,
): void {
  const { isTrusted, rules } = facts;
  const { http } = rules.spec;
  const { count, kind, isHop, nameStart, lineEnd } = fields;
  let runStart = firstStart;
  for (let index = 0; index < count; index += 1) {
    const known = kind[index] ?? 0;
    let isKept = isHop[index] === 0;
    if (isKept && known !== 0) {
      if (OF_DIRECTOR[known] === 1 || WRITTEN[known] === 1) isKept = false;
      else if (OF_TRUSTED[known] === 1) {
        isKept =
          isTrusted &&
          !(WRITTEN_X_FORWARDED[known] === 1 && http.forwarded === "x-forwarded") &&
          !(known === FIELD.forwarded && http.forwarded === "forwarded") &&
          !(known === FIELD.xRequestId && http.requestId);
      } else if (known === FIELD.host) isKept = !replacesHost && hasPlainSpace(fields, index);
      else if (known === FIELD.expect) isKept = !isHttp10 && bodyLength !== 0;
      else if (known === FIELD.traceparent || known === FIELD.tracestate) isKept = isTraced;
    }
    if (isKept) {
      if (runStart < 0) runStart = nameStart[index] ?? 0;
    } else {
      // Field lines follow each other without a gap.
      if (runStart >= 0) output.copy(bytes, runStart, nameStart[index] ?? 0);
      runStart = -1;
      if (known === FIELD.host && !replacesHost) writeHost(output, authority);
    }
  }
  if (runStart >= 0) output.copy(bytes, runStart, lineEnd[count - 1] ?? 0);
}
