import { RequestParser } from "#dataplane/http/head/request-parser.ts";
import { ResponseParser } from "#dataplane/http/head/response-parser.ts";
import type { HeadFields } from "#dataplane/http/head/head-fields.ts";
import type { HeadResult } from "#dataplane/http/head/head-refusal.ts";

/** Bytes from a text with one character per byte. */
export const bytesOf = (text: string): Buffer => Buffer.from(text, "latin1");

/** "partial", "whole" or the rule of the refusal. */
export const outcomeOf = (result: HeadResult): string =>
  typeof result === "string" ? result : result.rule;

/** Fields as `name: value`. */
export const plainLinesOf = (fields: HeadFields): readonly string[] =>
  Array.from(
    { length: fields.count },
    (_, index) => `${fields.name(index)}: ${fields.value(index)}`,
  );

/** Fields as `name: value`. Those that are not forwarded start with `-`. */
export const linesOf = (fields: HeadFields): readonly string[] =>
  plainLinesOf(fields).map((line, index) => (fields.isHop[index] === 1 ? `-${line}` : line));

/** All that a parser tells about a request. Positions become texts or lengths. */
export function describeRequest(
  parser: RequestParser,
  result: HeadResult,
  bytes: Buffer,
  from = 0,
): object {
  if (result !== "whole") return { outcome: outcomeOf(result) };
  const { fields } = parser;
  return {
    outcome: "whole",
    headBytes: parser.headEnd - from,
    method: parser.method,
    isIdempotent: parser.isIdempotent,
    form: parser.form,
    target: bytes.toString("latin1", parser.targetStart, parser.targetEnd),
    path: bytes.toString("latin1", parser.pathStart, parser.pathEnd),
    authority: parser.authority,
    isHttp10: parser.isHttp10,
    bodyLength: parser.bodyLength,
    hasFraming: parser.hasFraming,
    wantsClose: parser.wantsClose,
    upgrade: parser.upgrade,
    expectsContinue: parser.expectsContinue,
    isBoundToConnection: parser.isBoundToConnection,
    fields: linesOf(fields),
    fieldLines: Array.from({ length: fields.count }, (_, index) =>
      bytes.toString("latin1", fields.nameStart[index], fields.lineEnd[index]),
    ),
  };
}

/** All that a parser tells about an answer. */
export function describeResponse(
  parser: ResponseParser,
  result: HeadResult,
  bytes: Buffer,
  from = 0,
): object {
  if (result !== "whole") return { outcome: outcomeOf(result) };
  const { fields } = parser;
  return {
    outcome: "whole",
    headBytes: parser.headEnd - from,
    status: parser.status,
    reason: bytes.toString("latin1", parser.reasonStart, parser.reasonEnd),
    isHttp10: parser.isHttp10,
    bodyLength: parser.bodyLength,
    contentLength: parser.contentLength,
    hasFraming: parser.hasFraming,
    keepsAlive: parser.keepsAlive,
    keepAliveTimeoutMs: parser.keepAliveTimeoutMs,
    hasDate: parser.hasDate,
    isBoundToConnection: parser.isBoundToConnection,
    fields: linesOf(fields),
    fieldLines: Array.from({ length: fields.count }, (_, index) =>
      bytes.toString("latin1", fields.nameStart[index], fields.lineEnd[index]),
    ),
  };
}
