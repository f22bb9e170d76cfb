import { MAX_NAME_LENGTH } from "#model/tls/server-name.ts";
import type { CertificateFields } from "./certificate-fields.ts";

const LABEL = /^[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?$/;
const PRINTABLE = /^[!-~]+$/;
const WILDCARD = "*.";

/**
 * Returns the DNS names of a certificate in lower case (RFC 9525 section 6.3): those of the subjectAltName or, if it has none,
 * the common names. Texts that are not DNS names, e.g. with a port or a NUL, are left out.
 */
export function presentedNamesOf({ dnsNames, commonNames }: CertificateFields): readonly string[] {
  const alternatives = dnsNames.flatMap((name) => tryPresentedName(name) ?? []);
  if (alternatives.length > 0) return [...new Set(alternatives)];
  return [...new Set(commonNames.flatMap((name) => tryPresentedName(name) ?? []))];
}

/** A name has one or more labels. The first label may be `*`. A final dot is removed. */
function tryPresentedName(text: string): string | undefined {
  if (text.length > MAX_NAME_LENGTH + 1) return undefined;
  // Checked before toLowerCase, which turns the Kelvin sign (U+212A) into an ASCII "k".
  if (!PRINTABLE.test(text)) return undefined;
  const name = text.toLowerCase().replace(/\.$/, "");
  const labels = (name.startsWith(WILDCARD) ? name.slice(WILDCARD.length) : name).split(".");
  return name.length <= MAX_NAME_LENGTH && labels.every((label) => LABEL.test(label))
    ? name
    : undefined;
}
