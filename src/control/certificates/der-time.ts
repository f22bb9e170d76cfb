import { TAG, type DerElement } from "./der-reader.ts";

const UTC_TIME = /^\d{12}Z$/;
const GENERALIZED_TIME = /^\d{14}Z$/;
/** A two-digit year from 50 to 99 means 1950 to 1999 (RFC 5280 section 4.1.2.5.1). */
const FIRST_YEAR_OF_1900 = "50";

export const isTime = ({ tag }: DerElement): boolean =>
  tag === TAG.utcTime || tag === TAG.generalizedTime;

/**
 * Returns milliseconds since the epoch, or undefined if the element is not a time of RFC 5280 or the date does not exist. Node's
 * own parser is not used, because it turns an invalid time into an arbitrary date.
 */
export function tryTimeMs({ tag, contents }: DerElement): number | undefined {
  const text = contents.toString("latin1");
  const pattern = tag === TAG.utcTime ? UTC_TIME : GENERALIZED_TIME;
  if (!pattern.test(text)) return undefined;
  const century = text >= FIRST_YEAR_OF_1900 ? "19" : "20";
  const digits = tag === TAG.utcTime ? `${century}${text}` : text;
  const [year, month, day, hour, minute, second] = [
    digits.slice(0, 4),
    ...[4, 6, 8, 10, 12].map((at) => digits.slice(at, at + 2)),
  ];
  const iso = `${year}-${month}-${day}T${hour}:${minute}:${second}`;
  const timeMs = Date.parse(`${iso}Z`);
  // V8 parses February 30 as March 1 or 2.
  const isThere = !Number.isNaN(timeMs) && new Date(timeMs).toISOString().startsWith(iso);
  return isThere ? timeMs : undefined;
}
