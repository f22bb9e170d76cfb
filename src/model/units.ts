/** The text forms of durations, sizes and rates in the document. */

export const DURATION_PATTERN = "^(0|[1-9][0-9]{0,8})(ms|s|m|h)$";
/** A duration above zero. */
export const TIMEOUT_PATTERN = "^[1-9][0-9]{0,8}(ms|s|m|h)$";
/** A duration, or `0` without a unit. */
export const DEADLINE_PATTERN = "^(0|(0|[1-9][0-9]{0,8})(ms|s|m|h))$";
/** An age of up to 100,000 days. */
export const AGE_PATTERN = "^(0|[1-9][0-9]{0,4})(s|m|h|d)$";
export const SIZE_PATTERN = "^[1-9][0-9]{0,8}(KiB|MiB|GiB)$";
export const RATE_PATTERN = "^[1-9][0-9]{0,5}[kmg]_[1-9][0-9]{0,5}[kmg]$";

const DURATION_MS: Readonly<Record<string, number>> = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000 };
const SIZE_BYTES: Readonly<Record<string, number>> = { KiB: 1024, MiB: 1024 ** 2, GiB: 1024 ** 3 };
const RATE_BPS: Readonly<Record<string, number>> = { k: 1_000, m: 1_000_000, g: 1_000_000_000 };

function scaled(text: string, pattern: RegExp, scale: Readonly<Record<string, number>>): number {
  const [, amount = "", unit = ""] = pattern.exec(text) ?? [];
  const factor = scale[unit];
  if (factor === undefined) throw new TypeError(`'${text}' has no known unit.`);
  return Number(amount) * factor;
}

/** On both engines, a timer of more than 2^31 ms (24.8 days) fires immediately. */
const MAX_DURATION_MS = 24 * 24 * 3_600_000;

/**
 * Returns the milliseconds of a duration such as `10s`, `500ms`, `5m` or `12h`, at most 24 days. Throws a TypeError if
 * the unit is missing.
 */
export function durationMsOf(text: string): number {
  return Math.min(scaled(text, /^(\d+)(ms|s|m|h)$/, DURATION_MS), MAX_DURATION_MS);
}

const AGE_SECONDS: Readonly<Record<string, number>> = { s: 1, m: 60, h: 3_600, d: 86_400 };

/** Returns the seconds of an age such as `365d`, `12h`, `5m` or `0s`. Throws a TypeError if the unit is missing. */
export const ageSecondsOf = (text: string): number => scaled(text, /^(\d+)([smhd])$/, AGE_SECONDS);

/** How long open connections may go on at most until a change cuts them. */
const MAX_DEADLINE_MS = 24 * 3_600_000;

/** Returns the milliseconds of a text of `DEADLINE_PATTERN`, or undefined if it is no such text or is more than 24 hours. */
export function tryDeadlineMs(text: string): number | undefined {
  if (!new RegExp(DEADLINE_PATTERN).test(text)) return undefined;
  const ms = text === "0" ? 0 : durationMsOf(text);
  return ms <= MAX_DEADLINE_MS ? ms : undefined;
}

/** Returns the bytes of a size such as `64KiB`, `512MiB` or `2GiB`. Throws a TypeError if the unit is missing. */
export function sizeBytesOf(text: string): number {
  return scaled(text, /^(\d+)(KiB|MiB|GiB)$/, SIZE_BYTES);
}

export interface Rate {
  readonly committedBps: number;
  readonly peakBps: number;
}

/** Parses a rate. `100m_1g` is 100 Mbit/s guaranteed and at most 1 Gbit/s in each direction, in decimal units. */
export function rateOf(text: string): Rate {
  const [committed = "", peak = ""] = text.split("_");
  const bps = (part: string): number => scaled(part, /^(\d+)([kmg])$/, RATE_BPS);
  return { committedBps: bps(committed), peakBps: bps(peak) };
}
