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
  const numberAt = (at: number, end = at + 2): number => Number(digits.slice(at, end));
  const [year, month, day] = [numberAt(0, 4), numberAt(4), numberAt(6)];
  const [hour, minute, second] = [numberAt(8), numberAt(10), numberAt(12)];
  const date = new Date(Date.UTC(2000, month - 1, day, hour, minute, second));
  // A year below 100 would be one of the last century.
  date.setUTCFullYear(year, month - 1, day);
  // February 30 becomes March 1 or 2, and the hour 24 becomes the next day.
  const isThere =
    date.getUTCMonth() === month - 1 &&
    date.getUTCDate() === day &&
    date.getUTCHours() === hour &&
    date.getUTCMinutes() === minute &&
    date.getUTCSeconds() === second;
  return isThere ? date.getTime() : undefined;
}
