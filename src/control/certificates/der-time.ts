import { TAG, type DerElement } from "./der-reader.ts";

const UTC_TIME = /^\d{12}Z$/;
const GENERALIZED_TIME = /^\d{14}Z$/;
/** RFC 5280 section 4.1.2.5.1: a year of two digits from 50 on is of the century before. */
const FIRST_YEAR_OF_1900 = "50";

export const isTime = ({ tag }: DerElement): boolean =>
  tag === TAG.utcTime || tag === TAG.generalizedTime;

/**
 * Milliseconds since the epoch; undefined where it is no time of RFC 5280, or a date that does not exist. Node is not asked, as
 * it makes any date of such a time.
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
  // V8 takes the 31st of February for the 2nd of March.
  const isThere = !Number.isNaN(timeMs) && new Date(timeMs).toISOString().startsWith(iso);
  return isThere ? timeMs : undefined;
}
