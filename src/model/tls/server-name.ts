/** How a name matches a certificate (RFC 9525 section 6.3). No other file knows the rule. */

/**
 * Returns `*.example.org` for `a.example.org`, or undefined if no wildcard can cover the name. A name with an underscore is
 * not a host name (RFC 1123 section 2.1) and matches only a certificate that contains exactly this name.
 */
export function wildcardOf(serverName: string): string | undefined {
  const dot = serverName.indexOf(".");
  // A wildcard replaces only the left-most label, and is never directly below a top-level domain.
  if (dot <= 0 || !serverName.includes(".", dot + 1) || serverName.includes("_")) return undefined;
  return `*${serverName.slice(dot)}`;
}
