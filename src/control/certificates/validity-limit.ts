/** The longest validity period of a certificate for TLS servers, in days, by the time at which the period begins. */
const LIMITS: readonly { readonly fromMs: number; readonly days: number }[] = [
  { fromMs: Date.parse("2029-03-15T00:00:00Z"), days: 47 },
  { fromMs: Date.parse("2027-03-15T00:00:00Z"), days: 100 },
  { fromMs: Date.parse("2026-03-15T00:00:00Z"), days: 200 },
];
/** Certificates from before 2020-09-01 were allowed more, and have expired. */
const FIRST_LIMIT_DAYS = 398;

/** Section 6.3.2 of the Baseline Requirements of the CA/Browser Forum, which only public CAs follow. */
export const validityLimitDaysAt = (notBeforeMs: number): number =>
  LIMITS.find(({ fromMs }) => notBeforeMs >= fromMs)?.days ?? FIRST_LIMIT_DAYS;
