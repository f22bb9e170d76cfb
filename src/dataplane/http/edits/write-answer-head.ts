import { FIELD } from "../head/field-names.ts";
import type { ResponseParser } from "../head/response-parser.ts";
import { removedFieldsOf, type HttpRules } from "../http-rules.ts";
import type { Output } from "../output.ts";
import { dateField } from "./date-field.ts";

const VERSION = Buffer.from("HTTP/1.1 ");
const CHUNKED_FIELD = Buffer.from("transfer-encoding: chunked\r\n");
const CLOSE_FIELD = Buffer.from("connection: close\r\n");
const KEEP_ALIVE_FIELD = Buffer.from("connection: keep-alive\r\n");
const SWITCH_FIELDS = Buffer.from("connection: Upgrade\r\nupgrade: websocket\r\n");

export interface AnswerEdits {
  readonly rules: HttpRules;
  /** Whether the body goes out in chunks. */
  readonly isChunked: boolean;
  /** What Connection says. Undefined if the version of the client implies it. */
  readonly connection: "close" | "keep-alive" | "upgrade" | undefined;
}

/**
 * Appends the head of an answer as the client gets it. The fields that apply to the endpoint's connection only are removed, also those
 * that its Connection nominates.
 */
export function writeAnswerHead(
  output: Output,
  answer: ResponseParser,
  bytes: Buffer,
  { rules, isChunked, connection }: AnswerEdits,
): void {
  // A line that stays as it is belongs to the first run of fields.
  const hasReason = answer.reasonEnd > answer.reasonStart;
  const keepsLine = !answer.isHttp10 && hasReason && answer.fields.count > 0;
  if (!keepsLine) writeStatusLine(output, answer, bytes);
  const removedFields = removedFieldsOf(rules, answer.status);
  copyFields(output, answer, bytes, removedFields, keepsLine ? answer.lineStart : -1);
  // RFC 9110 section 8.6.
  const mayHaveLength = answer.status >= 200 && answer.status !== 204;
  if (answer.contentLength >= 0 && !isChunked && mayHaveLength) {
    output.text("content-length: ");
    output.text(String(answer.contentLength));
    output.lineEnd();
  }
  if (isChunked) output.all(CHUNKED_FIELD);
  if (answer.status >= 200 && !answer.hasDate) output.all(dateField());
  if (answer.status >= 200) output.all(rules.answerFields);
  if (connection === "close") output.all(CLOSE_FIELD);
  else if (connection === "keep-alive") output.all(KEEP_ALIVE_FIELD);
  // A 426 must name what the connection can switch to, which is up to the director (RFC 9110 section 15.5.22).
  if (connection === "upgrade" || answer.status === 426) output.all(SWITCH_FIELDS);
  output.lineEnd();
}

function writeStatusLine(output: Output, answer: ResponseParser, bytes: Buffer): void {
  output.all(VERSION);
  output.text(String(answer.status));
  output.text(" ");
  output.copy(bytes, answer.reasonStart, answer.reasonEnd);
  output.lineEnd();
}

function copyFields(
  output: Output,
  { fields }: ResponseParser,
  bytes: Buffer,
  removedFields: ReadonlySet<string>,
  firstStart: number,
): void {
  const { count, kind, isHop, nameStart, lineEnd } = fields;
  const hasRemoved = removedFields.size > 0;
  let runStart = firstStart;
  for (let index = 0; index < count; index += 1) {
    const isKept =
      isHop[index] === 0 &&
      kind[index] !== FIELD.contentLength &&
      !(hasRemoved && removedFields.has(fields.name(index)));
    if (isKept) {
      if (runStart < 0) runStart = nameStart[index] ?? 0;
    } else if (runStart >= 0) {
      // Field lines follow each other without a gap.
      output.copy(bytes, runStart, nameStart[index] ?? 0);
      runStart = -1;
    }
  }
  if (runStart >= 0) output.copy(bytes, runStart, lineEnd[count - 1] ?? 0);
}
