import type { X509Certificate } from "node:crypto";
import { subjectOf } from "./certificate-fields.ts";

/**
 * Returns the subject of the first CA that is not self-signed and whose issuer is not among `authorities`, or undefined if
 * there is none. A CA that is there twice, as cross-signed ones are, needs one issuer.
 */
export function tryUnrootedCa(authorities: readonly X509Certificate[]): string | undefined {
  const bySubject = Map.groupBy(authorities, ({ subject }) => subject);
  const hasIssuer = (authority: X509Certificate): boolean =>
    authority.issuer === authority.subject ||
    (bySubject.get(authority.issuer) ?? []).some((issuer) => authority.checkIssued(issuer));
  const found = authorities.find(({ subject }) => !bySubject.get(subject)?.some(hasIssuer));
  return found === undefined ? undefined : subjectOf(found.raw).text;
}
