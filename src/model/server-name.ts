/** How a name matches a certificate. The only place that knows the rule. Source: RFC 9525 section 6.3. */

/**
 * `*.example.org` for `a.example.org`; undefined where a wildcard could not cover it. A name with an underscore is no host
 * name (RFC 1123 section 2.1) and matches only a certificate that names it.
 */
export function wildcardOf(serverName: string): string | undefined {
  const dot = serverName.indexOf(".");
  // One label, the left-most, and never directly over a top-level name.
  if (dot <= 0 || !serverName.includes(".", dot + 1) || serverName.includes("_")) return undefined;
  return `*${serverName.slice(dot)}`;
}
