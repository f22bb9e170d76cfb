import type { CertificateFields } from "./certificate-fields.ts";
import { sourceProblem } from "./source-problem.ts";

/** Throws SourceProblem unless the certificate is valid at `nowMs`. */
export function checkPeriod(
  { notBeforeMs, notAfterMs }: CertificateFields,
  place: string,
  nowMs: number,
): void {
  if (notBeforeMs === undefined || notAfterMs === undefined) {
    const message = "The certificate's period of validity has a date that there is not.";
    throw sourceProblem("certificate-malformed", place, message);
  }
  if (notAfterMs <= nowMs) {
    const message = `The certificate expired on ${dayOf(notAfterMs)}.`;
    throw sourceProblem("certificate-expired", place, message);
  }
  if (notBeforeMs > nowMs) {
    const message = `The certificate is not valid before ${new Date(notBeforeMs).toISOString()}.`;
    throw sourceProblem("certificate-not-yet-valid", place, message);
  }
}

export const dayOf = (timeMs: number): string =>
  new Date(timeMs).toISOString().slice(0, "2007-01-01".length);
