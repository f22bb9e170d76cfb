import type { X509Certificate } from "node:crypto";
import { sourceProblem } from "./source-problem.ts";

/** Throws SourceProblem unless the certificate is valid at `nowMs`. */
export function checkPeriod(leaf: X509Certificate, place: string, nowMs: number): void {
  const { validFromDate, validToDate } = leaf;
  if (!isDate(validFromDate) || !isDate(validToDate)) {
    const message = "The certificate's period of validity has a date that there is not.";
    throw sourceProblem("certificate-malformed", place, message);
  }
  if (validToDate.getTime() <= nowMs) {
    const message = `The certificate expired on ${dayOf(validToDate)}.`;
    throw sourceProblem("certificate-expired", place, message);
  }
  if (validFromDate.getTime() > nowMs) {
    const message = `The certificate is not valid before ${validFromDate.toISOString()}.`;
    throw sourceProblem("certificate-not-yet-valid", place, message);
  }
}

/** Node makes an invalid Date of a time such as the 31st of February. */
export const isDate = (date: Date): boolean => !Number.isNaN(date.getTime());

export const dayOf = (date: Date): string => date.toISOString().slice(0, "2007-01-01".length);
