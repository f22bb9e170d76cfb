/** The maximum length of a host name (RFC 1035 section 2.3.4). */
export const MAX_NAME_LENGTH = 253;

/**
 * Returns `*.example.org` for `a.example.org`, or undefined if no wildcard can cover the name (RFC 9525 section 6.3). A
 * name with an underscore is not a host name (RFC 1123 section 2.1) and matches only a certificate that contains exactly
 * this name.
 */
export function tryWildcardOf(serverName: string): string | undefined {
  const dot = serverName.indexOf(".");
  // A wildcard replaces only the left-most label, and is never directly below a top-level domain.
  if (dot <= 0 || !serverName.includes(".", dot + 1) || serverName.includes("_")) return undefined;
  return `*${serverName.slice(dot)}`;
}

/** Whether the label occurs last only in an IPv4 address, e.g. `1` in `192.0.2.1`, or `0x1`. A name that ends so is no host name. */
export const isNumber = (label: string): boolean => /^(?:\d+|0x[0-9a-f]*)$/.test(label);
