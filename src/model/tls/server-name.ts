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

const MAX_LABEL_LENGTH = 63;
const WILDCARD = "*.";
const DOT = 0x2e;
const HYPHEN = 0x2d;
const UNDERSCORE = 0x5f;

/**
 * Returns the normal form of a host name (RFC 1123 section 2.1): in lower case and without a trailing dot. International names are
 * A-labels (RFC 5890). Underscores are allowed, because a certificate can contain a name with one. Returns undefined if the text is
 * not a host name, e.g. an address, a wildcard or a name with a port.
 */
export function tryServerName(text: string): string | undefined {
  const end = text.charCodeAt(text.length - 1) === DOT ? text.length - 1 : text.length;
  if (end > MAX_NAME_LENGTH) return undefined;
  let labelStart = 0;
  for (let at = 0; at <= end; at += 1) {
    const code = at < end ? text.charCodeAt(at) : DOT;
    if (code === DOT) {
      if (!isLabel(text, labelStart, at)) return undefined;
      if (at < end) labelStart = at + 1;
    } else if (!isNameCharacter(code)) {
      return undefined;
    }
  }
  const name = text.slice(0, end).toLowerCase();
  return isNumber(name.slice(labelStart)) ? undefined : name;
}

const isLabel = (text: string, start: number, end: number): boolean =>
  end > start &&
  end - start <= MAX_LABEL_LENGTH &&
  text.charCodeAt(start) !== HYPHEN &&
  text.charCodeAt(end - 1) !== HYPHEN;

function isNameCharacter(code: number): boolean {
  const lower = code | 0x20;
  if (lower >= 0x61 && lower <= 0x7a) return true;
  return (code >= 0x30 && code <= 0x39) || code === HYPHEN || code === UNDERSCORE;
}

/**
 * Returns the normal form of a host name, or of a wildcard such as `*.example.org`. Returns undefined if no client can send a name that
 * it covers.
 */
export function tryNameOrWildcard(text: string): string | undefined {
  if (!text.startsWith(WILDCARD)) return tryServerName(text);
  const rest = tryServerName(text.slice(WILDCARD.length));
  // A label of one character takes the place of the asterisk.
  const shortest = rest === undefined ? undefined : `a.${rest}`;
  if (shortest === undefined || shortest.length > MAX_NAME_LENGTH) return undefined;
  return tryWildcardOf(shortest);
}

/** Whether the label occurs last only in an IPv4 address, e.g. `1` in `192.0.2.1`, or `0x1`. A name that ends so is no host name. */
export const isNumber = (label: string): boolean => /^(?:\d+|0x[0-9a-f]*)$/.test(label);
