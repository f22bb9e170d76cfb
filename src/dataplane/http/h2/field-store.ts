import type { HeadRule } from "../head/head-refusal.ts";
import { HTAB, IS_TEXT, IS_TOKEN, isWord, SP } from "../head/ascii.ts";
import { FIELD, fieldOf, IS_HOP_BY_HOP } from "../head/field-names.ts";
import { HeadFields, MAX_FIELDS } from "../head/head-fields.ts";

const TRAILERS = Buffer.from("trailers", "latin1");

/** The fields that only connections of HTTP/1.1 have (RFC 9113 section 8.2.2). */
const isOfConnection = (kind: number): boolean =>
  kind === FIELD.connection ||
  kind === FIELD.keepAlive ||
  kind === FIELD.proxyConnection ||
  kind === FIELD.transferEncoding ||
  kind === FIELD.upgrade;

/** Whether a name is a token without upper-case letters (RFC 9113 section 8.2.1). */
function nameRuleOf(bytes: Buffer, start: number, end: number): HeadRule | undefined {
  if (start === end) return "bad-field-name";
  for (let at = start; at < end; at += 1) {
    const byte = bytes[at] ?? 0;
    if (IS_TOKEN[byte] !== 1) return "bad-field-name";
    if (byte >= 0x41 && byte <= 0x5a) return "upper-case-name";
  }
  return undefined;
}

const isBlank = (byte: number | undefined): boolean => byte === SP || byte === HTAB;

/** Whether a value has only the bytes of one, and no white space around it (RFC 9113 section 8.2.1). */
function isValue(bytes: Buffer, start: number, end: number): boolean {
  if (end > start && (isBlank(bytes[start]) || isBlank(bytes[end - 1]))) return false;
  for (let at = start; at < end; at += 1) if (IS_TEXT[bytes[at] ?? 0] !== 1) return false;
  return true;
}

/** Takes the fields of a block, which are finished lines of HTTP/1.1, and checks each (RFC 9113 section 8.2). */
export class FieldStore {
  readonly fields = new HeadFields();

  restart(): void {
    this.fields.count = 0;
  }

  /** Returns the rule that the field breaks, or undefined. Then it is the last one of `fields`. */
  take(
    bytes: Buffer,
    nameStart: number,
    nameEnd: number,
    valueStart: number,
    valueEnd: number,
  ): HeadRule | undefined {
    const rule = nameRuleOf(bytes, nameStart, nameEnd);
    if (rule !== undefined) return rule;
    if (!isValue(bytes, valueStart, valueEnd)) return "bad-field-value";
    const kind = fieldOf(bytes, nameStart, nameEnd);
    if (isOfConnection(kind)) return "connection-field";
    if (kind === FIELD.te && !isWord(bytes, valueStart, valueEnd, TRAILERS)) {
      return "connection-field";
    }
    if (this.fields.count === MAX_FIELDS) return "too-many-fields";
    this.append(bytes, nameStart, nameEnd, valueStart, valueEnd, kind);
    return undefined;
  }

  /** Appends a field line, which ends with CRLF after its value. */
  append(
    bytes: Buffer,
    nameStart: number,
    nameEnd: number,
    valueStart: number,
    valueEnd: number,
    kind: number,
  ): void {
    const { fields } = this;
    const { count } = fields;
    fields.bytes = bytes;
    fields.nameStart[count] = nameStart;
    fields.nameEnd[count] = nameEnd;
    fields.valueStart[count] = valueStart;
    fields.valueEnd[count] = valueEnd;
    fields.lineEnd[count] = valueEnd + 2;
    fields.kind[count] = kind;
    fields.isHop[count] = IS_HOP_BY_HOP[kind] ?? 0;
    fields.count = count + 1;
  }
}
