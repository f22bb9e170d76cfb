import { randomBytes } from "node:crypto";
import { FIELD } from "../head/field-names.ts";
import type { HeadFields } from "../head/head-fields.ts";

/** W3C Trace Context section 3.2.2. Later versions may add parts. */
const TRACEPARENT =
  /^(?!ff)[0-9a-f]{2}-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}(?:-.*)?$/;

/** Whether the request has one well-formed traceparent field. Version 00 has no further parts. */
export function hasTraceparent(fields: HeadFields): boolean {
  const index = fields.find(FIELD.traceparent);
  if (index < 0 || fields.find(FIELD.traceparent, index + 1) >= 0) return false;
  const value = fields.value(index);
  return TRACEPARENT.test(value) && (!value.startsWith("00") || value.length === 55);
}

/** Returns the value of a new traceparent field, which asks to record the trace. */
export const newTraceparent = (): string =>
  `00-${randomBytes(16).toString("hex")}-${randomBytes(8).toString("hex")}-01`;
