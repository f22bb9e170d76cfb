import type { CertificateFields } from "./certificate-fields.ts";

/** RFC 1035 section 2.3.4. */
const MAX_NAME_LENGTH = 253;
const LABEL = /^[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?$/;
const PRINTABLE = /^[!-~]+$/;
const WILDCARD = "*.";

/**
 * DNS names that a client can ask for, lower case (RFC 9525 section 6.3): those of the subjectAltName; common names only
 * where it has none. What is no DNS name, such as one with a port or a NUL, is left out.
 */
export function presentedNamesOf({ dnsNames, commonNames }: CertificateFields): readonly string[] {
  const alternatives = dnsNames.flatMap((name) => tryPresentedName(name) ?? []);
  if (alternatives.length > 0) return [...new Set(alternatives)];
  return [...new Set(commonNames.flatMap((name) => tryPresentedName(name) ?? []))];
}

/** One or more labels, of which the left-most may be `*`; a final dot is dropped. */
function tryPresentedName(text: string): string | undefined {
  if (text.length > MAX_NAME_LENGTH + 1) return undefined;
  // Only ASCII is a name: toLowerCase makes an ASCII "k" of the Kelvin sign.
  if (!PRINTABLE.test(text)) return undefined;
  const name = text.toLowerCase().replace(/\.$/, "");
  const labels = (name.startsWith(WILDCARD) ? name.slice(WILDCARD.length) : name).split(".");
  return name.length <= MAX_NAME_LENGTH && labels.every((label) => LABEL.test(label))
    ? name
    : undefined;
}
