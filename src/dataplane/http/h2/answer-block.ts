import { dateField } from "../edits/date-field.ts";
import { ownAnswerOf, type FailureAnswer } from "../edits/failure-answer.ts";
import { FIELD } from "../head/field-names.ts";
import type { HeadFields } from "../head/head-fields.ts";
import type { ResponseParser } from "../head/response-parser.ts";
import { removedFieldsOf, type HttpRules } from "../http-rules.ts";
import type { EncodedOutput, HpackEncoder } from "./hpack/hpack-encoder.ts";

const DATE_PREFIX_BYTES = "date: ".length;

/** What of an answer that switches protocols is about HTTP/1.1 (RFC 8441 section 5). */
const isOfUpgrade = (kind: number): boolean => kind === FIELD.secWebsocketAccept;

/**
 * Appends the field block of an answer of an endpoint (RFC 9113 section 8.3.2). The fields that apply to the endpoint's connection only
 * are removed. An answer that switches protocols gets the status 200, and no fields of `responseFields` and `hsts`.
 */
export function writeAnswerBlock(
  output: EncodedOutput,
  encoder: HpackEncoder,
  answer: ResponseParser,
  bytes: Buffer,
  rules: HttpRules,
): void {
  const { fields, contentLength } = answer;
  const removedFields = removedFieldsOf(rules, answer.status);
  const isSwitch = answer.status === 101;
  const status = isSwitch ? 200 : answer.status;
  encoder.begin(output);
  encoder.status(output, status);
  const { count, kind, isHop, nameStart, nameEnd, valueStart, valueEnd } = fields;
  for (let index = 0; index < count; index += 1) {
    const known = kind[index] ?? 0;
    const isKept =
      isHop[index] === 0 &&
      known !== FIELD.contentLength &&
      !(isSwitch && isOfUpgrade(known)) &&
      !(removedFields.size > 0 && removedFields.has(fields.name(index)));
    if (!isKept) continue;
    encoder.field(
      output,
      bytes,
      nameStart[index] ?? 0,
      nameEnd[index] ?? 0,
      valueStart[index] ?? 0,
      valueEnd[index] ?? 0,
    );
  }
  if (status < 200) return;
  if (contentLength >= 0 && status !== 204 && !isSwitch) {
    encoder.contentLength(output, contentLength);
  }
  if (!answer.hasDate) writeDate(output, encoder);
  if (isSwitch) return;
  for (const [name, value] of rules.answerPairs) encoder.text(output, name, value);
}

/** Appends the field block of an answer of the director's own. Returns its body. */
export function writeOwnBlock(
  output: EncodedOutput,
  encoder: HpackEncoder,
  answer: FailureAnswer,
  { answerPairs }: HttpRules,
): Buffer {
  const { fields, body } = ownAnswerOf(answer);
  encoder.begin(output);
  encoder.status(output, answer.status);
  for (const [name, value] of fields) encoder.text(output, name, value);
  writeDate(output, encoder);
  for (const [name, value] of answerPairs) encoder.text(output, name, value);
  return Buffer.from(body, "latin1");
}

function writeDate(output: EncodedOutput, encoder: HpackEncoder): void {
  const line = dateField();
  encoder.field(output, line, 0, DATE_PREFIX_BYTES - 2, DATE_PREFIX_BYTES, line.length - 2);
}

/** Returns the field block of the trailers that may be passed on, or undefined if there are none (RFC 9110 section 6.5.1). */
export function tryTrailerBlock(
  output: EncodedOutput,
  encoder: HpackEncoder,
  trailers: HeadFields,
): Buffer | undefined {
  output.length = 0;
  const { bytes, nameStart, nameEnd, valueStart, valueEnd } = trailers;
  for (let index = 0; index < trailers.count; index += 1) {
    if (trailers.isHop[index] === 1) continue;
    encoder.field(
      output,
      bytes,
      nameStart[index] ?? 0,
      nameEnd[index] ?? 0,
      valueStart[index] ?? 0,
      valueEnd[index] ?? 0,
    );
  }
  return output.length === 0 ? undefined : Buffer.from(output.bytes.subarray(0, output.length));
}
