/**
 * Finds the problems of a version that depend on the time. An error means that the version is not valid at that time, a warning
 * that it will soon expire. Parsing does not depend on the time, so the same files always give the same version.
 */
import type { Problem } from "#model/failure.ts";
import { problemOf } from "#model/problem.ts";
import type { CertificateVersion, TrustVersion } from "./sources.ts";

const DAY_MS = 24 * 60 * 60 * 1_000;
/** A certificate should be renewed when it is valid for less than 14 days and for less than a third of its validity period. */
const EXPIRING_MS = 14 * DAY_MS;
const EXPIRING_SHARE = 1 / 3;

export function certificateProblemsAt(
  {
    facts: { notBeforeMs, notAfterMs },
    chain: {
      certificates: [, ...intermediates],
    },
  }: Pick<CertificateVersion, "facts" | "chain">,
  place: string,
  nowMs: number,
): readonly Problem[] {
  if (notAfterMs <= nowMs) {
    const message = `The certificate expired on ${dayOf(notAfterMs)}.`;
    return [problemOf("certificate-expired", place, message)];
  }
  if (notBeforeMs > nowMs) {
    const message = `The certificate is not valid before ${new Date(notBeforeMs).toISOString()}.`;
    return [problemOf("certificate-not-yet-valid", place, message)];
  }
  const expired = intermediates.flatMap(({ subject, notAfterMs: endMs }) => {
    // An intermediate whose date does not exist is left out, because clients may not need it.
    if (endMs === undefined || endMs > nowMs) return [];
    const message = `The intermediate certificate ${subject} of the chain expired on ${dayOf(endMs)}.`;
    return [problemOf("intermediate-expired", place, message)];
  });
  if (nowMs < expiringFromMs(notBeforeMs, notAfterMs)) return expired;
  const message = `The certificate expires on ${dayOf(notAfterMs)}.`;
  return [problemOf("certificate-expiring", place, message), ...expired];
}

/** Returns the times at which `certificateProblemsAt` may begin to return something else. */
export const certificateTurnsMsOf = ({
  facts: { notBeforeMs, notAfterMs },
  chain: {
    certificates: [, ...intermediates],
  },
}: Pick<CertificateVersion, "facts" | "chain">): readonly number[] => [
  notBeforeMs,
  expiringFromMs(notBeforeMs, notAfterMs),
  notAfterMs,
  ...intermediates.flatMap((one) => one.notAfterMs ?? []),
];

/** Returns the first time at which a certificate should be renewed. */
const expiringFromMs = (notBeforeMs: number, notAfterMs: number): number =>
  Math.floor(notAfterMs - Math.min(EXPIRING_MS, (notAfterMs - notBeforeMs) * EXPIRING_SHARE)) + 1;

/** Returns the times at which `trustProblemsAt` may begin to return something else. */
export const trustTurnsMsOf = ({
  validity: { authorities, lists },
}: Pick<TrustVersion, "validity">): readonly number[] => [
  ...authorities.flatMap(({ notBeforeMs, notAfterMs }) => [notBeforeMs, notAfterMs]),
  ...lists.flatMap(({ thisUpdateMs, nextUpdateMs }) => [thisUpdateMs, nextUpdateMs ?? Infinity]),
];

export function trustProblemsAt(
  { validity: { authorities, lists } }: Pick<TrustVersion, "validity">,
  places: { readonly ca: string; readonly crl: string },
  nowMs: number,
): readonly Problem[] {
  return [
    ...authorityProblems(authorities, places.ca, nowMs),
    ...lists.flatMap(({ issuer, thisUpdateMs, nextUpdateMs = Infinity }) => {
      const what = `The revocation list of ${issuer}`;
      if (nextUpdateMs <= nowMs) {
        const message = `${what} was due to be replaced at ${new Date(nextUpdateMs).toISOString()}.`;
        return [problemOf("crl-expired", places.crl, message)];
      }
      if (thisUpdateMs <= nowMs) return [];
      const message = `${what} is not valid before ${new Date(thisUpdateMs).toISOString()}.`;
      return [problemOf("crl-not-yet-valid", places.crl, message)];
    }),
  ];
}

/** One CA that is valid is enough, because a bundle often holds the previous or the next CA too. */
function authorityProblems(
  authorities: TrustVersion["validity"]["authorities"],
  place: string,
  nowMs: number,
): readonly Problem[] {
  const isValid = authorities.some(
    ({ notBeforeMs, notAfterMs }) => notBeforeMs <= nowMs && nowMs < notAfterMs,
  );
  if (authorities.length === 0 || isValid) return [];
  const starts = authorities.map(({ notBeforeMs }) => notBeforeMs).filter((at) => at > nowMs);
  if (starts.length > 0) {
    const first = new Date(starts.reduce((least, at) => Math.min(least, at))).toISOString();
    const message = `No CA certificate of the file is valid before ${first}.`;
    return [problemOf("ca-not-yet-valid", place, message)];
  }
  const last = authorities.reduce((most, { notAfterMs }) => Math.max(most, notAfterMs), 0);
  const message = `Every CA certificate of the file has expired, the last on ${dayOf(last)}.`;
  return [problemOf("ca-expired", place, message)];
}

const dayOf = (timeMs: number): string =>
  new Date(timeMs).toISOString().slice(0, "2007-01-01".length);
